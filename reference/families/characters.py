"""Next characters: one sentence cut into overlapping windows, the target one character further.

Enters: samples of the arrays given to ``fit``, predictions. Leaves: findings, the sentence's
windows in the student's own numbering, metrics. Touches nothing.

Inputs are one-hot, (windows, steps, characters). Everybody numbers the characters in an order of
their own, so the windows are read back from what was given to ``fit`` and asked in the same order.
Targets are one-hot too, or the numbers themselves where the loss is the sparse one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from grader.course.families import DataReading, Question
from grader.execution import ArraySample, FitSample
from grader.types import Array, Finding, Json, Message

ONE_HOT = "one-hot"
SPARSE = "sparse"
BETTER: dict[str, str] = {
    "accuracy": "higher",
    "next_accuracy": "higher",
    "cross_entropy": "lower",
}
# What tells these data from any others.
OWN: tuple[str, ...] = ("data.sentence",)
# Each mistake's message, and the advice that goes with it.
HINTS: dict[str, str] = {
    "characters.unseen": "characters.unseen_hint",
    "characters.indices": "characters.indices_hint",
    "characters.shape": "characters.shape_hint",
    "characters.last_only": "characters.last_only_hint",
    "characters.target_shape": "characters.target_shape_hint",
    "characters.one_hot": "characters.one_hot_hint",
    "characters.target_same": "characters.target_same_hint",
    "characters.target_backwards": "characters.target_backwards_hint",
    "characters.target_skips": "characters.target_skips_hint",
    "characters.target": "characters.target_hint",
    "characters.too_short": "characters.too_short_hint",
    "characters.too_long": "characters.too_long_hint",
    "characters.few_windows": "characters.few_windows_hint",
    "characters.says_little": "characters.says_little_hint",
}
FEWEST_WINDOWS = 20  # as many as the shortest text has at the usual length
# Where a list of what most often follows each character answers so many windows, a network that
# remembers nothing does as well. That of our own sentence answers 74 in 100, of English ones 53.
SAYS_LITTLE = 0.93
NEARLY = 0.85  # from here on it is said that a text is not far from that
SMALLEST = 1e-7  # a probability below it counts as this, as Keras does in its loss


def examine(fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
    """Judge what ``fit`` was fed: shapes, one-hot rows, target, the sentence behind them."""
    steps = _whole(spec, "steps", 20)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        return DataReading(
            (_wrong("data.shape", f"(n, {steps}, V)", "–", "characters.unseen"),), None
        )
    shape = _shape(fit.x, fit.y, steps)
    if shape.fraction < 1.0:
        return DataReading((shape,), None)
    one_hot = _one_hot(fit.x)
    if one_hot.fraction < 1.0:
        return DataReading((shape, one_hot), None)
    windows = np.asarray(fit.x.rows).argmax(axis=2)
    sparse = fit.y.shape != fit.x.shape
    given = _numbers(fit.y, sparse=sparse)[: len(windows)]
    following = _following(windows[: len(given)], given)
    sentence, notes = _sentence(fit, windows, following, spec)
    findings = (shape, one_hot, _target(windows, given, following), sentence)
    encoding: dict[str, Json] = {
        "windows": windows[: len(given)].tolist(),
        "answers": following.tolist(),
        "size": int(fit.x.shape[2]),
    }
    layout = SPARSE if sparse else ONE_HOT
    # One answer would be all answers, or a list would do.
    asked = sentence.message.id not in ("characters.few_windows", "characters.says_little")
    return DataReading(findings, layout if asked else None, encoding, notes)


def ask(reading: DataReading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Ask every window of the sentence, in the student's numbering where it is known.

    Answers are one-hot, so that they have the shape of the predictions.
    """
    table = cast("Mapping[str, Any]", reading.encoding)
    if "windows" not in table:
        return Question(*training(rng, spec))
    eye = np.eye(int(table["size"]), dtype=np.float32)
    return Question(eye[np.asarray(table["windows"])], eye[np.asarray(table["answers"])])


def measure(predictions: Array, question: Question) -> dict[str, float]:
    """Give accuracy over all steps, accuracy of the last step, and mean cross-entropy in nats."""
    answers = question.answers.argmax(axis=2)
    if predictions.shape != question.answers.shape:
        return {}
    finite = np.isfinite(predictions).all(axis=2)
    right = finite & (np.nan_to_num(predictions).argmax(axis=2) == answers)
    metrics = {
        "accuracy": float(right.mean()),
        "next_accuracy": float(right[:, -1].mean()),
    }
    if finite.all():
        likely = np.take_along_axis(predictions, answers[:, :, None], axis=2)
        metrics["cross_entropy"] = float(-np.log(np.clip(likely, SMALLEST, 1.0)).mean())
    return metrics


def controls(question: Question) -> dict[str, Array]:
    """Give the frequencies of the characters, and the input itself."""
    frequencies = question.answers.mean(axis=(0, 1), keepdims=True)
    constant = np.broadcast_to(frequencies, question.answers.shape)
    return {"mean": constant, "last_input": question.inputs}


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:
    """Give the sentence's windows and targets: both (windows, steps, V), one-hot."""
    del rng
    text, steps = str(spec["sentence"]), _whole(spec, "steps", 20)
    alphabet = sorted(set(text))
    numbers = np.array([alphabet.index(character) for character in text])
    places = np.arange(len(text) - steps)[:, None] + np.arange(steps)
    eye = np.eye(len(alphabet), dtype=np.float32)
    return eye[numbers[places]], eye[numbers[places + 1]]


def _shape(x: ArraySample, y: ArraySample, steps: int) -> Finding:
    expected = f"X (n, {steps}, V), Y (n, {steps}, V)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if x.shape[1:] == (steps,):
        return _wrong("data.shape", expected, got, "characters.indices")
    if len(x.shape) != 3 or x.shape[1] != steps:
        return _wrong("data.shape", expected, got, "characters.shape", steps=steps)
    if y.shape in ((x.shape[0], x.shape[2]), (x.shape[0],), (x.shape[0], 1)):
        return _wrong("data.shape", expected, got, "characters.last_only", steps=steps)
    if y.shape not in (x.shape, x.shape[:2], (*x.shape[:2], 1)):
        return _wrong("data.shape", expected, got, "characters.target_shape")
    return _right("data.shape", expected, got, "characters.shape_right")


def _one_hot(x: ArraySample) -> Finding:
    rows = np.asarray(x.rows, dtype=np.float64)
    if not rows.size:
        return _wrong("data.one-hot", "0, 1", "–", "characters.one_hot")
    clean = bool(np.isin(rows, (0.0, 1.0)).all() and (rows.sum(axis=2) == 1.0).all())
    if clean:
        return _right("data.one-hot", "0, 1", "0, 1", "characters.one_hot_right")
    got = f"{rows.min():.3g} … {rows.max():.3g}"
    return _wrong("data.one-hot", "0, 1", got, "characters.one_hot")


def _numbers(y: ArraySample, *, sparse: bool) -> Array:
    rows = np.asarray(y.rows)
    numbers: Array = rows.reshape(len(rows), -1).astype(np.int64) if sparse else rows.argmax(axis=2)
    return numbers


def _following(windows: Array, given: Array) -> Array:
    """What comes after each character, as the windows themselves tell it.

    The last character's successor stands in the window one further on; at the end of the sentence
    only the target knows it.
    """
    after = {tuple(row[:-1]): int(row[-1]) for row in windows.tolist()}
    last = [
        after.get(tuple(row[1:]), int(end))
        for row, end in zip(windows.tolist(), given[:, -1], strict=True)
    ]
    return np.concatenate([windows[:, 1:], np.array(last)[:, None]], axis=1)


def _target(windows: Array, given: Array, following: Array) -> Finding:
    agreed = float((given == following).mean())
    expected = "Y[i, t] = X[i, t+1]"
    if agreed == 1.0:
        return _right("data.target", expected, expected, "characters.target_right")
    count = len(given)
    if (given == windows[:count]).all():
        return _wrong("data.target", expected, "Y[i, t] = X[i, t]", "characters.target_same")
    if (given[:, 1:] == windows[:count, :-1]).all():
        return _wrong("data.target", expected, "Y[i, t] = X[i, t-1]", "characters.target_backwards")
    if (given[:, :-2] == windows[:count, 2:]).all():
        return _wrong("data.target", expected, "Y[i, t] = X[i, t+2]", "characters.target_skips")
    got = f"{agreed:.0%}"
    return _wrong("data.target", expected, got, "characters.target", fraction=agreed, share=agreed)


def _sentence(
    fit: FitSample, windows: Array, following: Array, spec: Mapping[str, Json]
) -> tuple[Finding, tuple[Message, ...]]:
    """Judge how much text there was; another sentence than ours is as good."""
    least, most = _whole(spec, "shortest", 40), _whole(spec, "longest", 200)
    expected = f"{least} … {most}"
    if fit.kind != "arrays":  # of a dataset only its first batch was seen
        finding = _right("data.sentence", expected, "?", "characters.uncounted")
        return finding, (finding.message,)
    distinct = len({tuple(row) for row in windows.tolist()})
    if distinct < FEWEST_WINDOWS:
        wanted = f"≥ {FEWEST_WINDOWS}"
        return _wrong("data.sentence", wanted, str(distinct), "characters.few_windows"), ()
    length = distinct + windows.shape[1]
    if not least <= length <= most:
        name = "characters.too_short" if length < least else "characters.too_long"
        return _wrong("data.sentence", expected, str(length), name), ()
    known = _by_list(windows[: len(following)], following)
    if known >= SAYS_LITTLE:
        wanted, got = f"< {SAYS_LITTLE:.0%}", f"{known:.0%}"
        return _wrong("data.sentence", wanted, got, "characters.says_little", share=known), ()
    finding = _right(
        "data.sentence", expected, str(length), "characters.sentence_right", length=length
    )
    if _is_ours(windows, str(spec["sentence"])):
        return finding, ()
    notes = [Message("characters.other_sentence", {"length": length})]
    if known >= NEARLY:
        told = {"got": f"{known:.0%}", "most": f"{SAYS_LITTLE:.0%}"}
        notes.append(Message("characters.nearly_a_list", told))
    return finding, tuple(notes)


def _by_list(windows: Array, following: Array) -> float:
    """Give the share of windows whose next character the one before it tells.

    By the best list there is: of the characters that follow each one, the most frequent.
    """
    told = zip(windows.tolist(), following.tolist(), strict=True)
    ends = {tuple(window): (window[-1], after[-1]) for window, after in told}
    lists: dict[int, Counter[int]] = {}
    for last, then in ends.values():
        lists.setdefault(last, Counter())[then] += 1
    counts = lists.values()
    return sum(max(each.values()) for each in counts) / sum(each.total() for each in counts)


def _is_ours(windows: Array, sentence: str) -> bool:
    """Whether some one-to-one naming of the numbers turns the windows into our sentence's."""
    steps = windows.shape[1]
    ours = [sentence[i : i + steps] for i in range(len(sentence) - steps)]
    if len(ours) != len(windows):
        return False
    pairs = {
        (int(number), character)
        for row, text in zip(windows, ours, strict=True)
        for number, character in zip(row, text, strict=True)
    }
    return len({n for n, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"


def _whole(spec: Mapping[str, Json], key: str, default: int) -> int:
    return int(cast("Any", spec.get(key, default)))


def _right(finding: str, expected: str, got: str, message_id: str, **args: float | str) -> Finding:
    return Finding(finding, 1.0, expected, got, Message(message_id, args))


def _wrong(
    finding: str,
    expected: str,
    got: str,
    message_id: str,
    *,
    fraction: float = 0.0,
    **args: float | str,
) -> Finding:
    """A wrong answer: its message and, from ``HINTS``, the advice that goes with it."""
    message = Message(message_id, {"expected": expected, "got": got, **args})
    hint = Message(HINTS[message_id], args)
    return Finding(finding, fraction, expected, got, message, hint)
