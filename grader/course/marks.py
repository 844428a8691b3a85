"""Marks beside a dataclass's types that say what its table in a file may hold; pydantic reads them.

Enters: nothing. Leaves: pydantic's own marks. Touches nothing. A student's machine has no pydantic:
nothing is read from TOML there, and the same names leave marks that nobody looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
else:
    try:
        from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
    except ImportError:

        def _unread(*_marks: object, **_settings: object) -> None:
            """Stand where pydantic's mark would."""

        AfterValidator = BeforeValidator = ConfigDict = Field = _unread

__all__ = ["AfterValidator", "BeforeValidator", "ConfigDict", "Field"]
