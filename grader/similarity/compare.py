"""Which notebooks have more code in common than the exercise explains.

Enters: students' code, the code that everybody was given. Leaves: pairs with what they share, those
that share most of what is rare first. Touches nothing. Imported late: it brings scikit-learn.

Code is compared by fragments of ``LENGTH`` tokens. Fragments of the template and of the references
do not count. Each other one weighs by how few have it (scikit-learn's inverse document frequency):
what the whole class writes weighs next to nothing, what two students alone write weighs most. Two
who share only what many write are no pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.similarity.tokens import Token, tokens_of
from grader.submission import Notebook
from grader.types import Array

LENGTH = 10  # tokens: a line of Keras code has about as many
LEAST_FRAGMENTS = 12  # in common: about two lines of code; fewer happen to anybody
LEAST_SHARE = 0.3  # of the weight of the smaller one
MOST_PAIRS = 60  # to look at
RARE = 3  # students who have a fragment, at most, for its lines to be marked as rare
MANY = 0.5  # of the hand-ins: what more of them have tells of nobody
Place = tuple[int, int]  # cell, line


@dataclass(frozen=True)
class Work:
    """One hand-in of one student, or of a group by one of it."""

    student: str
    submission: str
    notebook: Notebook
    section: str = ""
    partners: frozenset[str] = frozenset()  # with whom all of it may be in common
    exercises: frozenset[str] = frozenset()  # that it answers


@dataclass(frozen=True)
class Pair:
    """Two hand-ins with code in common.

    Attributes:
        one, other: the hand-ins.
        weight: of what they share; the rarer, the more.
        share: of the weight of the smaller one, 0 to 1.
        common: lines of both that hold something shared, by side.
        rare: of these, lines that hold what few have.
        same: the very same code.
        exercises: that both answer.
    """

    one: Work
    other: Work
    weight: float
    share: float
    common: tuple[frozenset[Place], frozenset[Place]]
    rare: tuple[frozenset[Place], frozenset[Place]]
    same: bool
    exercises: frozenset[str] = frozenset()


def pairs_alike(works: Sequence[Work], given: Iterable[Notebook]) -> list[Pair]:
    """Give the pairs to look at, of different students, those that share most first.

    Hand-ins for the same exercise are compared, and what many of these write tells of nobody.

    Args:
        works: the hand-ins that count, in any order.
        given: what everybody had: the template, the references.
    """
    known = {text for notebook in given for text, _ in _fragments(tokens_of(notebook))}
    found: dict[tuple[int, int], Pair] = {}
    for exercise in sorted({one for work in works for one in work.exercises}) or [""]:
        some = [one for one in works if exercise in one.exercises or not one.exercises]
        for pair in _of_one_exercise(some, known):
            found.setdefault((id(pair.one), id(pair.other)), pair)
    pairs = sorted(
        found.values(), key=lambda one: (-one.weight, one.one.student, one.other.student)
    )
    return pairs[:MOST_PAIRS]


def _of_one_exercise(everybody: Sequence[Work], known: set[str]) -> list[Pair]:
    """Compare those who wrote anything of their own; who did not makes nothing rare."""
    placed = [(work, _placed(work, known)) for work in everybody]
    works, found = [one for one, own in placed if own], [own for _, own in placed if own]
    if not found:
        return []
    shared = _shared(found)
    return [
        _pair(works, found, shared, i, j)
        for i, j in shared.enough()
        if not _may_share(works[i], works[j])
        and (found[i].keys() & found[j].keys() & shared.telling or _same(works[i], works[j]))
    ]


def _may_share(one: Work, other: Work) -> bool:
    """Whether they are one person's, or of people who hand in together."""
    together = other.student in one.partners or one.student in other.partners
    return together or one.student == other.student


def _same(one: Work, other: Work) -> bool:
    return one.notebook.digest == other.notebook.digest


Lines = tuple[int, int, int]  # cell, first line, last line
_Found = dict[str, list[Lines]]


def _placed(work: Work, known: set[str]) -> _Found:
    """Give a hand-in's own fragments, each with its lines."""
    places: _Found = {}
    for text, place in _fragments(tokens_of(work.notebook)):
        if text not in known:
            places.setdefault(text, []).append(place)
    return places


def _fragments(tokens: Sequence[Token]) -> Iterator[tuple[str, Lines]]:
    """Give what stands within a cell: cells can change places."""
    for start in range(len(tokens) - LENGTH + 1):
        first, last = tokens[start], tokens[start + LENGTH - 1]
        if first.cell == last.cell:
            text = " ".join(one.text for one in tokens[start : start + LENGTH])
            yield text, (first.cell, first.line, last.line)


@dataclass(frozen=True)
class _Shared:
    """What each two hand-ins have in common: (works, works); the diagonal is what each has."""

    weights: Array
    fragments: Array
    rare: frozenset[str]
    telling: frozenset[str]  # what not many have

    def share(self, i: int, j: int) -> float:
        smaller = min(self.weights[i, i], self.weights[j, j])
        return float(self.weights[i, j] / smaller) if smaller > 0 else 0.0

    def enough(self) -> list[tuple[int, int]]:
        """Give the pairs that share enough to be looked at."""
        many = np.argwhere(np.triu(self.fragments >= LEAST_FRAGMENTS, 1))
        pairs = [(int(i), int(j)) for i, j in many]
        return [(i, j) for i, j in pairs if self.share(i, j) >= LEAST_SHARE]


def _shared(found: Sequence[_Found]) -> _Shared:
    """Weigh each fragment by how few have it, and add up what each two have in common."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer: Any = TfidfVectorizer(analyzer=list, binary=True, norm=None, smooth_idf=True)
    matrix = vectorizer.fit_transform([list(one) for one in found])
    there = (matrix > 0).astype(np.float64)
    # The library's weights begin at 1 for what everybody has, which would drown what is rare.
    weights = vectorizer.idf_ - 1.0 + 1.0 / len(found)
    counts = np.asarray(there.sum(axis=0)).reshape(-1)
    names = vectorizer.get_feature_names_out()
    few = min(RARE, max(2, len(found) - 1))  # what all of three have, few do not
    return _Shared(
        weights=(there.multiply(weights) @ there.T).toarray(),
        fragments=(there @ there.T).toarray(),
        rare=frozenset(names[counts <= few].tolist()),
        telling=frozenset(names[counts <= max(RARE, MANY * len(found))].tolist()),
    )


def _pair(works: Sequence[Work], found: Sequence[_Found], shared: _Shared, i: int, j: int) -> Pair:
    common = found[i].keys() & found[j].keys()
    rare = common & shared.rare
    one, other = works[i], works[j]
    return Pair(
        one,
        other,
        float(shared.weights[i, j]),
        min(1.0, shared.share(i, j)),
        (_lines(found[i], common), _lines(found[j], common)),
        (_lines(found[i], rare), _lines(found[j], rare)),
        same=_same(one, other),
        exercises=one.exercises & other.exercises,
    )


def _lines(found: _Found, texts: Iterable[str]) -> frozenset[Place]:
    """Give every line that a fragment covers."""
    return frozenset(
        (cell, line)
        for text in texts
        for cell, first, last in found[text]
        for line in range(first, last + 1)
    )
