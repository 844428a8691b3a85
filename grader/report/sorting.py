"""Sorting and filtering on a page that holds no script: by the style sheet alone.

Enters: in which order rows are to stand. Leaves: rules for the page's own style sheet, made of
numbers and names of ours. Touches nothing.

A choice is a radio button; a rule says where each row stands while it is chosen. The rules are part
of the one style sheet whose digest the page's policy allows, so nothing is opened for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """One order of a table's rows.

    Attributes:
        id: of its radio button, plain letters, digits and hyphens.
        label: what a reader chooses.
        rows: the rows' numbers, from 0 as they stand in the page, in this order.
    """

    id: str
    label: str
    rows: tuple[int, ...]


def order_rules(table: str, columns: int, orders: Sequence[Order]) -> str:
    """Give the rules for a table of this class; the first order is that of the page."""
    widths = f"minmax(9rem,1.5fr) repeat({columns - 1},minmax(6rem,1fr))"
    # On a phone a row is a card, with all its cells below one another.
    rules = [f"@media (min-width:36.01rem){{.{table}{{grid-template-columns:{widths}}}}}"]
    for order in orders[1:]:
        places = sorted((row, place) for place, row in enumerate(order.rows, start=1))
        chosen = f"body:has(#{order.id}:checked) .{table} tbody tr"
        rules += [f"{chosen}:nth-child({row + 1}){{order:{place}}}" for row, place in places]
    return "\n".join(rules)


def ordered(values: Sequence[float | str | None], *, reverse: bool = False) -> tuple[int, ...]:
    """Give the rows' numbers by their values, those without one last; equal ones stay as they are.

    All values are of one kind.
    """
    there = [row for row, value in enumerate(values) if value is not None]
    there.sort(key=lambda row: values[row], reverse=reverse)  # type: ignore[arg-type, return-value]
    return (*there, *(row for row, value in enumerate(values) if value is None))
