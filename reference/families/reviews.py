"""Does the reviewer like the film: invented reviews as word numbers, padded with zeros.

Enters: samples of the arrays given to ``fit``, predictions. Leaves: findings, hidden reviews,
metrics. Touches nothing.

A review is a row of clauses, each a topic, perhaps a degree, perhaps "안" (not), and a word of
praise or blame. Who likes the film says most things in its favour; "안" turns a word into its
opposite, so that counting words alone is not enough. Zeros may stand before or after the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from grader.course.families import Question, Reading
from grader.types import Array, ArraySample, Finding, FitSample, Json, Message

BETTER: dict[str, str] = {"accuracy": "higher"}
PADDED_BEFORE, PADDED_AFTER = "padded-before", "padded-after"
# The notebook's word list in its order: "안", topics, degrees, praise, blame; numbers begin at 1.
NOT, TOPICS, DEGREES, PRAISE, BLAME = 1, (2, 14), (14, 20), (20, 30), (30, 40)
NEGATED, HAS_DEGREE = 0.3, 0.5
# What the words say agrees with the label in all but a few reviews; by chance in half.
ALMOST_ALL, ALMOST_NONE = 0.9, 0.1


def examine(fit: FitSample, spec: Mapping[str, Json]) -> Reading:
    """Judge what ``fit`` was fed: shapes, words, labels, number of reviews."""
    length = _whole(spec, "length", 40)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        return Reading((_wrong("data.shape", f"X (n, {length}), Y (n,)", "–", "unseen"),), None)
    shape = _shape(fit.x, fit.y, length)
    if shape.fraction < 1.0:
        return Reading((shape,), None)
    count = min(len(fit.x.rows), len(fit.y.rows))
    reviews = np.asarray(fit.x.rows[:count])
    labels = np.asarray(fit.y.rows[:count], dtype=np.float64).reshape(-1)
    rows, notes = _count(fit, spec)
    words = _words(reviews)
    if words.fraction < 1.0:
        return Reading((shape, words, rows), None, notes=notes)
    layout = PADDED_BEFORE if (reviews[:, 0] == 0).any() else PADDED_AFTER
    if layout == PADDED_AFTER and (reviews[:, -1] == 0).any():
        notes = (*notes, Message("reviews.padded_after"))
    return Reading((shape, words, _target(reviews, labels), rows), layout, notes=notes)


def ask(reading: Reading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Draw new reviews, padded on the student's side."""
    after = reading.layout == PADDED_AFTER
    inputs, labels = _draw(rng, _whole(spec, "hidden_rows", 1000), spec, after=after)
    return Question(inputs, labels)


def measure(predictions: Array, question: Question) -> dict[str, float]:
    """Give the share of right answers; what is no number is wrong.

    A model without a sigmoid may give probabilities or logits: then the better cut counts.
    """
    if predictions.size != question.answers.size:
        return {}
    given = predictions.reshape(-1).astype(np.float64)
    finite = np.isfinite(given)
    outside = bool(((given < 0.0) | (given > 1.0))[finite].any())
    likes = question.answers.reshape(-1) > 0.5
    cuts = (0.5, 0.0) if outside else (0.5,)
    return {"accuracy": max(float(np.mean(finite & ((given > cut) == likes))) for cut in cuts)}


def controls(question: Question) -> dict[str, Array]:
    """Give the same answer to every review."""
    return {"mean": np.full_like(question.answers, question.answers.mean())}


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
    """Give reviews padded in front, and labels: (reviews, length), (reviews,)."""
    return _draw(rng, _whole(spec, "train_rows", 4000), spec, after=False)


def _draw(
    rng: np.random.Generator, rows: int, spec: Mapping[str, Json], *, after: bool
) -> tuple[Array, Array]:
    length = _whole(spec, "length", 40)
    least, most = _whole(spec, "least_clauses", 6), _whole(spec, "most_clauses", 10)
    agrees = float(cast("Any", spec.get("agreement", 0.9)))
    inputs = np.zeros((rows, length), dtype=np.int32)
    labels = rng.integers(0, 2, rows)
    for row in range(rows):
        clauses = int(rng.integers(least, most + 1))
        words = _review(rng, clauses, agrees, likes=bool(labels[row]))[:length]
        place = slice(0, len(words)) if after else slice(length - len(words), length)
        inputs[row, place] = words
    return inputs, labels.astype(np.float32)


def _review(rng: np.random.Generator, clauses: int, agrees: float, *, likes: bool) -> list[int]:
    chances = rng.random((clauses, 3))
    words: list[int] = []
    for agreeing, negated, degree in chances < (agrees, NEGATED, HAS_DEGREE):
        words.append(int(rng.integers(*TOPICS)))
        if degree:
            words.append(int(rng.integers(*DEGREES)))
        if negated:
            words.append(NOT)
        praises = (agreeing == likes) != negated
        words.append(int(rng.integers(*(PRAISE if praises else BLAME))))
    return words


def _shape(x: ArraySample, y: ArraySample, length: int) -> Finding:
    expected = f"X (n, {length}), Y (n,)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if len(x.shape) == 3 and x.shape[1] == length:
        return _wrong("data.shape", expected, got, "one_hot")
    if x.shape[1:] != (length,):
        return _wrong("data.shape", expected, got, "shape", length=length)
    if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
        return _wrong("data.shape", expected, got, "target_shape")
    return _right("data.shape", expected, got, "shape_right")


def _words(reviews: Array) -> Finding:
    """Every number is a word of the list, and clauses end in praise or blame."""
    expected = f"0 … {BLAME[1] - 1}"
    if not np.isfinite(reviews.astype(np.float64)).all():
        return _wrong("data.words", expected, "NaN", "unknown_words")
    got = f"{reviews.min():g} … {reviews.max():g}"
    if reviews.min() < 0 or reviews.max() >= BLAME[1] or (reviews != np.round(reviews)).any():
        return _wrong("data.words", expected, got, "unknown_words")
    after_not = reviews[:, 1:][reviews[:, :-1] == NOT]
    if not len(after_not) or (after_not < PRAISE[0]).any():
        return _wrong("data.words", expected, got, "other_numbers")
    return _right("data.words", expected, got, "words_right")


def _target(reviews: Array, labels: Array) -> Finding:
    expected = "0, 1"
    values = np.unique(labels)
    if not np.isin(values, (0.0, 1.0)).all() or len(values) == 1 < len(labels):
        got = ", ".join(f"{value:g}" for value in values[:4])
        return _wrong("data.target", expected, got, "not_labels")
    balance = _balance(reviews)
    clear = balance != 0
    if not clear.any():
        return _wrong("data.target", expected, "–", "target", share=0.0)
    agreed = float(np.mean((balance > 0)[clear] == (labels > 0.5)[clear]))
    if agreed >= ALMOST_ALL:
        return _right("data.target", expected, expected, "target_right")
    name = "target_inverted" if agreed <= ALMOST_NONE else "target"
    return _wrong("data.target", expected, f"{agreed:.0%}", name, share=agreed)


def _balance(reviews: Array) -> Array:
    """Good things said minus bad things said, with "안" turning them round."""
    praise = (reviews >= PRAISE[0]) & (reviews < PRAISE[1])
    blame = (reviews >= BLAME[0]) & (reviews < BLAME[1])
    turned = np.zeros(reviews.shape, dtype=bool)
    turned[:, 1:] = reviews[:, :-1] == NOT
    said = praise.astype(int) - blame.astype(int)
    balance: Array = np.where(turned, -said, said).sum(axis=1)
    return balance


def _count(fit: FitSample, spec: Mapping[str, Json]) -> tuple[Finding, tuple[Message, ...]]:
    assert fit.x is not None
    least, rows = _whole(spec, "min_rows", 1000), fit.x.shape[0]
    if fit.kind != "arrays":  # of a dataset only its first batch was seen
        finding = _right("data.rows", f"≥ {least}", "?", "rows_uncounted")
        return finding, (finding.message,)
    if rows < least:
        return _wrong("data.rows", f"≥ {least}", str(rows), "rows", rows=rows), ()
    return _right("data.rows", f"≥ {least}", str(rows), "rows_right", rows=rows), ()


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"


def _whole(spec: Mapping[str, Json], key: str, default: int) -> int:
    return int(cast("Any", spec.get(key, default)))


def _right(finding: str, expected: str, got: str, name: str, **args: float | str) -> Finding:
    return Finding(finding, 1.0, expected, got, Message(f"reviews.{name}", args))


def _wrong(finding: str, expected: str, got: str, name: str, **args: float | str) -> Finding:
    """A wrong answer: ``name`` is the message, ``name_hint`` the advice that goes with it."""
    message = Message(f"reviews.{name}", {"expected": expected, "got": got, **args})
    return Finding(finding, 0.0, expected, got, message, Message(f"reviews.{name}_hint", args))
