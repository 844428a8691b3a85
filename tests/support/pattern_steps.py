"""Counts the steps that a backtracking matcher takes for a pattern: work, not time.

``re`` does not say how long it searched, and a clock measures the machine with it. So the pattern's
own parse tree is turned into a small program, as ``re`` does, and carried out step by step. That it
finds what ``re`` finds is asserted with every count, so the two cannot drift apart unseen.
"""

from __future__ import annotations

import re
import re._constants as sre
import re._parser as parser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_COPIES = 100  # of what is repeated a counted number of times; more is as good as endless
END = object()


class TooManyStepsError(Exception):
    """The matcher was stopped at its bound."""


Accepts = Callable[[str], bool]


@dataclass
class _Program:
    """Instructions as tuples: a name and its operands."""

    code: list[tuple[Any, ...]] = field(default_factory=list)
    registers: int = 0

    def put(self, *instruction: Any) -> int:
        self.code.append(instruction)
        return len(self.code) - 1

    def register(self) -> int:
        self.registers += 1
        return self.registers - 1


def accepts(op: Any, arg: Any, flags: int) -> Accepts:
    """Whether a character is one that a node for a single character takes."""
    fold = bool(flags & re.IGNORECASE)

    def same(one: str, code: int) -> bool:
        other = chr(code)
        return one == other or (fold and one.lower() == other.lower())

    if op is sre.LITERAL:
        return lambda c: same(c, arg)
    if op is sre.NOT_LITERAL:
        return lambda c: not same(c, arg)
    if op is sre.ANY:
        return (lambda c: True) if flags & re.DOTALL else (lambda c: c != "\n")
    assert op is sre.IN, op
    negated = arg[0][0] is sre.NEGATE
    members = [_member(kind, value, flags, same) for kind, value in arg if kind is not sre.NEGATE]
    return lambda c: any(member(c) for member in members) != negated


_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


def _member(kind: Any, value: Any, flags: int, same: Callable[[str, int], bool]) -> Accepts:
    if kind is sre.LITERAL:
        return lambda c: same(c, value)
    if kind is sre.RANGE:
        low, high = value
        fold = bool(flags & re.IGNORECASE)
        return lambda c: any(low <= ord(o) <= high for o in ((c, c.swapcase()) if fold else (c,)))
    assert kind is sre.CATEGORY, kind
    one = re.compile(_CATEGORIES[value], flags & re.ASCII)
    return lambda c: one.match(c) is not None


def _compile(tree: Any, flags: int, program: _Program) -> None:
    for op, arg in tree:
        _one(op, arg, flags, program)


def _one(op: Any, arg: Any, flags: int, program: _Program) -> None:
    if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        program.put("char", accepts(op, arg, flags))
    elif op is sre.SUBPATTERN:
        _, add, remove, inner = arg
        _compile(inner, (flags | add) & ~remove, program)
    elif op is sre.BRANCH:
        _branch(arg[1], flags, program)
    elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        _repeat(arg, flags, program, greedy=op is sre.MAX_REPEAT)
    elif op is sre.POSSESSIVE_REPEAT:
        _atomic(lambda: _repeat(arg, flags, program, greedy=True), program)
    elif op is sre.ATOMIC_GROUP:
        _atomic(lambda: _compile(arg, flags, program), program)
    elif op in (sre.ASSERT, sre.ASSERT_NOT):
        _assertion(op, arg, flags, program)
    elif op is sre.AT:
        program.put("at", arg, flags)
    else:
        raise NotImplementedError(f"{op}: teach tests/support/pattern_steps.py what it does")


def _branch(branches: Sequence[Any], flags: int, program: _Program) -> None:
    ends = []
    for branch in branches[:-1]:
        split = program.put("split", 0, 0)
        _compile(branch, flags, program)
        ends.append(program.put("jump", 0))
        program.code[split] = ("split", split + 1, len(program.code))
    _compile(branches[-1], flags, program)
    for end in ends:
        program.code[end] = ("jump", len(program.code))


def _repeat(arg: Any, flags: int, program: _Program, *, greedy: bool) -> None:
    least, most, inner = arg
    for _ in range(min(least, MOST_COPIES)):
        _compile(inner, flags, program)
    if most is sre.MAXREPEAT or most > MOST_COPIES:
        before = program.register()
        split = program.put("split", 0, 0)
        program.put("note", before)
        _compile(inner, flags, program)
        program.put("moved", before)  # a round that took nothing is the last
        program.put("jump", split)
        _aim(program, split, len(program.code), greedy=greedy)
        return
    splits = []
    for _ in range(most - least):
        splits.append(program.put("split", 0, 0))
        _compile(inner, flags, program)
    for split in splits:
        _aim(program, split, len(program.code), greedy=greedy)


def _aim(program: _Program, split: int, beyond: int, *, greedy: bool) -> None:
    first, second = (split + 1, beyond) if greedy else (beyond, split + 1)
    program.code[split] = ("split", first, second)


def _atomic(put_inner: Callable[[], None], program: _Program) -> None:
    height = program.register()
    program.put("height", height)
    put_inner()
    program.put("cut", height)


def _assertion(op: Any, arg: Any, flags: int, program: _Program) -> None:
    direction, inner = arg
    below = _Program()
    _compile(inner, flags, below)
    below.put("match")
    back = inner.getwidth()[0] if direction < 0 else 0
    program.put("look", below, back, op is sre.ASSERT)


class Meter:
    """One pattern, ready to be counted."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self.pattern = pattern
        self.steps = 0
        self._bound = 0
        tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
        flags = tree.state.flags | pattern.flags
        if isinstance(pattern.pattern, bytes):
            flags |= re.ASCII
        self._program = _Program()
        _compile(tree, flags, self._program)
        self._program.put("match")

    def count(self, text: str, *, anchored: str = "", bound: int) -> int:
        """Give the steps for a text.

        Args:
            text: to be looked through.
            anchored: "match" or "fullmatch"; "" finds every match, as ``finditer`` does.
            bound: more steps than these are not counted.

        Raises:
            TooManyStepsError: it takes more.
        """
        self.steps, self._bound = 0, bound
        found = list(self._found(text, anchored))
        given: Any = text.encode("latin-1") if isinstance(self.pattern.pattern, bytes) else text
        if anchored:
            match = getattr(self.pattern, anchored)(given)
            real = [match.span()] if match else []
        else:
            real = [match.span() for match in self.pattern.finditer(given)]
        assert found == real, f"{self.pattern!r} finds {real[:3]} in {text[:60]!r}, not {found[:3]}"
        return self.steps

    def _found(self, text: str, anchored: str) -> Iterator[tuple[int, int]]:
        if anchored:
            end = self._run(self._program, text, 0, whole=anchored == "fullmatch")
            if end is not None:
                yield 0, end
            return
        at, after_empty = 0, -1  # as finditer: an empty match may not stand right behind another
        while at <= len(text):
            end = self._run(self._program, text, at, never=at if after_empty == at else -1)
            if end is None:
                at, after_empty = at + 1, -1
                continue
            yield at, end
            at = after_empty = end

    def _run(  # noqa: C901, PLR0912 - one loop with a case per instruction
        self, program: _Program, text: str, start: int, *, whole: bool = False, never: int = -1
    ) -> int | None:
        """Give where a match from ``start`` ends; ``never`` is an end that does not count."""
        code, size = program.code, len(text)
        stack: list[Any] = []  # places to go on from, and registers to put back
        registers = [0] * program.registers
        pc, at = 0, start
        while True:
            self.steps += 1
            if self.steps > self._bound:
                raise TooManyStepsError
            name, *operands = code[pc]
            ok = True
            if name == "char":
                ok = at < size and operands[0](text[at])
                at += 1
            elif name == "split":
                stack.append((operands[1], at))
                pc = operands[0]
                continue
            elif name == "jump":
                pc = operands[0]
                continue
            elif name in ("note", "height"):
                stack.append((END, operands[0], registers[operands[0]]))
                registers[operands[0]] = at if name == "note" else len(stack)
            elif name == "moved":
                if at == registers[operands[0]]:
                    pc += 1  # past the jump back
            elif name == "cut":
                kept = [one for one in stack[registers[operands[0]] :] if one[0] is END]
                del stack[registers[operands[0]] :]
                stack += kept
            elif name == "at":
                ok = _stands(operands[0], operands[1], text, at)
            elif name == "look":
                below, back, wanted = operands
                inside = at >= back and self._run(below, text, at - back) is not None
                ok = inside == wanted
            elif not (whole and at != size) and at != never:
                return at
            else:
                ok = False
            if ok:
                pc += 1
                continue
            while stack and stack[-1][0] is END:
                _, register, value = stack.pop()
                registers[register] = value
            if not stack:
                return None
            pc, at = stack.pop()


def _stands(where: Any, flags: int, text: str, at: int) -> bool:
    if where is sre.AT_BEGINNING:
        return at == 0 or bool(flags & re.MULTILINE and text[at - 1] == "\n")
    if where is sre.AT_BEGINNING_STRING:
        return at == 0
    if where is sre.AT_END:
        last = at == len(text) or (at == len(text) - 1 and text[at] == "\n")
        return last or bool(flags & re.MULTILINE and text[at] == "\n")
    if where is sre.AT_END_STRING:
        return at == len(text)
    word = re.compile(r"\w", flags & re.ASCII)
    before = at > 0 and word.match(text[at - 1]) is not None
    after = at < len(text) and word.match(text[at]) is not None
    assert where in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY), where
    return (before != after) == (where is sre.AT_BOUNDARY)
