"""Titles of exercises within the names of files, and what else such a name says.

Enters: what the course's exercises are called, a name. Leaves: an exercise, the rest. Touches
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from grader.collect.rounds import WORDS, is_somebody, words_of
from grader.policy.hand_ins import is_version, read_name

_COUNT = re.compile(r"^\(\d{1,6}\)")  # of a copy, where more was written behind it
_AROUND = " _-.,+&()[]"
_LONG, _SLIP = 10, 2  # letters: of a title in which a slip is looked for, of a slip


@dataclass(frozen=True)
class Told:
    """What a name tells: an exercise, "" where nobody knows which; its title; what is left."""

    exercise: str
    title: str
    rest: str


@dataclass(frozen=True)
class Titles:
    """What the course's exercises are called: id to all its names.

    ``tasks``: what the LMS calls them. That names nobody, and no exercise either, since it may be
    short, and a whole chapter's notebook be called so.
    """

    names: Mapping[str, Sequence[str]]
    tasks: Sequence[str] = ()

    @cached_property
    def _joined(self) -> dict[str, str]:
        """All names as one word each; an id before another's title, which several may have."""
        bearers: dict[str, set[str]] = {"".join(words_of(name)): set() for name in self.tasks}
        for key, names in self.names.items():
            for name in names:
                bearers.setdefault("".join(words_of(name)), set()).add(key)
        joined = {name: min(keys) if len(keys) == 1 else "" for name, keys in bearers.items()}
        joined |= {"".join(words_of(key)): key for key in self.names}
        return {name: key for name, key in joined.items() if name}

    @cached_property
    def _of_ids(self) -> frozenset[str]:
        return frozenset(word for key in self.names for word in words_of(key))

    @cached_property
    def _longest(self) -> int:
        return max((len(name) for name in self._joined), default=0)

    def read(self, stem: str) -> Told | None:
        """Give the exercise that a name holds, and what else it says; None where it holds none.

        A long title with a slip is one, too: of which exercise, nobody knows.
        """
        left = read_name(stem).left
        found = [*WORDS.finditer(left)]
        runs = [*self._runs([one[0].casefold() for one in found])]
        held = [one for one in runs if one[0] in self._joined]
        if held:
            title, first, last = max(held, key=lambda one: len(one[0]))
            exercise = self._joined[title]
        else:
            held = [one for one in runs if self._has_a_slip(one[0])]
            if not held:
                return None
            title, first, last = max(held, key=lambda one: len(one[0]))
            exercise = ""
        before, after = left[: found[first].start()], left[found[last].end() :]
        rest = " ".join(filter(None, map(_bare, (before, after))))
        # Of multiplication-lstm-gru nobody knows which.
        return None if self._of_ids & {*words_of(rest)} else Told(exercise, title, rest)

    def person(self, stem: str) -> str:
        """Give what may be a person's of a file's name, as folded words; "" where nothing is."""
        told = self.read(stem)
        rest = told.rest if told is not None else read_name(stem).left
        words = " ".join(word for word in words_of(rest) if word not in self._of_ids)
        return words if is_somebody(words) and not is_version(rest) else ""

    def _runs(self, words: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Give words that follow each other as one, no longer than a title can be."""
        for first in range(len(words)):
            joined = ""
            for last in range(first, len(words)):
                joined += words[last]
                if len(joined) > self._longest + _SLIP:
                    break
                yield joined, first, last

    def _has_a_slip(self, joined: str) -> bool:
        """Whether it is a long title but for letters in one place."""
        near = (one for one in self._joined if len(one) >= _LONG)
        return any(_is_slip(joined, one) for one in near if abs(len(joined) - len(one)) <= _SLIP)

    def repository(self, folder: str) -> tuple[str, str] | None:
        """Give the exercise and the person of EXERCISE-PERSON, as GitHub's classes name folders."""
        for exercise in sorted(self.names, key=len, reverse=True):
            if folder.casefold().startswith(f"{exercise}-"):
                rest = folder[len(exercise) + 1 :]
                nobody = is_version(rest) or not is_somebody(rest)
                return None if nobody or self._of_ids & {*words_of(rest)} else (exercise, rest)
        return None


def _is_slip(written: str, meant: str) -> bool:
    """Whether all that differs lies in one place, and is short."""
    begin = _alike(written, meant)
    rest = written[begin:], meant[begin:]
    end = _alike(*(one[::-1] for one in rest))
    return max(len(one) - end for one in rest) <= _SLIP


def _alike(one: str, other: str) -> int:
    """Count the letters that two texts begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _bare(text: str) -> str:
    text = _COUNT.sub("", text.strip(" _-.")).strip(_AROUND)
    return read_name(text).left if text else ""
