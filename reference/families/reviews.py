"""Does the reviewer like the film: reviews as word numbers, padded with zeros.

Enters: samples of the arrays given to ``fit``, predictions; the data set ``reviews``. Leaves:
findings, hidden reviews, metrics, the students' files. Touches: reads the data set.

Where the instructor has no real reviews they are invented: a review is a row of clauses, each a
topic, perhaps a degree, perhaps "안" (not), and a word of praise or blame. Who likes the film says
most things in its favour; "안" turns a word into its opposite, so that counting words alone is not
enough. What was given to ``fit`` is looked up in the students' file in every valid layout: zeros
before or after the words, numbers as in the file or as ``keras.datasets.imdb`` gives them.

Textbooks put 10,000 of IMDB's 25,000 reviews aside. The file of that name has as many: the course's
own and more, drawn by the same rule (of real ones: the others of the training half).
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from grader.course.data import KERAS, Source, is_sound, parsed, source
from grader.course.families import DataReading, Question
from grader.course.ragged import read_ragged
from grader.execution import ArraySample, FitSample
from grader.types import Array, Finding, Json, Message

DATA_SET = "reviews"
BETTER: dict[str, str] = {"accuracy": "higher"}
# What tells these data from any others.
OWN: tuple[str, ...] = ("data.words",)
# Each mistake's message, and the advice that goes with it.
HINTS: dict[str, str] = {
    "reviews.unseen": "reviews.unseen_hint",
    "reviews.one_hot": "reviews.one_hot_hint",
    "reviews.shape": "reviews.shape_hint",
    "reviews.target_shape": "reviews.target_shape_hint",
    "reviews.unknown_words": "reviews.unknown_words_hint",
    "reviews.other_numbers": "reviews.other_numbers_hint",
    "reviews.not_labels": "reviews.not_labels_hint",
    "reviews.target_inverted": "reviews.target_inverted_hint",
    "reviews.target": "reviews.target_hint",
    "reviews.rows": "reviews.rows_hint",
}
PADDED_BEFORE, PADDED_AFTER = "padded-before", "padded-after"
KERAS_BEFORE, KERAS_AFTER = "keras-padded-before", "keras-padded-after"
LAYOUTS = (PADDED_BEFORE, PADDED_AFTER, KERAS_BEFORE, KERAS_AFTER)
START, UNKNOWN, SHIFT = 1, 2, 3  # what keras.datasets.imdb.load_data puts around the words
KERAS_ROWS = 25_000  # of imdb.npz, in either half
WORDS = 10_000  # what the exercises' Embedding has room for
OTHER_LENGTH = "course_length"  # said where ``length`` is a student's: the length of the course
AT_A_TIME = 1000  # reviews
INDEX = "word_index.json"
# What keras.datasets gives in grading is another file than on a student's computer.
STAND_INS: tuple[str, ...] = ("imdb",)
USUAL_WORDS = "usual_words.txt"
NEGATED, HAS_DEGREE = 0.3, 0.5
# By chance half of the labels agree.
ALMOST_ALL, ALMOST_NONE = 0.9, 0.1
LabelsIn: TypeAlias = Callable[[str], Mapping[bytes, float]]  # by encoded review, of a layout


@dataclass(frozen=True)
class _Corpus:
    """Reviews as rows of word numbers, 1 for likes: the students' and, where real, the judge's."""

    x_train: tuple[tuple[int, ...], ...]
    y_train: Array
    x_test: tuple[tuple[int, ...], ...]
    y_test: Array
    index: Mapping[str, int]
    x_hidden: tuple[tuple[int, ...], ...] = ()
    y_hidden: Array | None = None  # None: the judge invents its own


@dataclass(frozen=True)
class _Reviews:
    """Reviews as rows of word numbers, 1 for likes."""

    words: Sequence[Sequence[int]]
    labels: Array  # (reviews,)


@dataclass(frozen=True)
class _Words:
    """The word list: numbers begin at 1 in the order "안", topics, degrees, praise, blame."""

    seed: int
    index: Mapping[str, int]
    topics: tuple[int, int]
    degrees: tuple[int, int]
    praise: tuple[int, int]
    blame: tuple[int, int]


def handout(spec: Mapping[str, Json]) -> dict[str, bytes]:
    """Give the files of a student's room; IMDB's names are there for notebooks that ask Keras."""
    corpus, longer = _corpus(spec), _longer_corpus(spec)
    index = json.dumps(_index(corpus), ensure_ascii=False).encode()
    whole = json.dumps(_with_usual_words(_index(longer)), ensure_ascii=False).encode()
    asked = {f"{KERAS}imdb.npz": _packed(longer), f"{KERAS}imdb_word_index.json": whole}
    return {**looked_up_in(spec), INDEX: index, **asked}


def looked_up_in(spec: Mapping[str, Json]) -> dict[str, bytes]:
    """Give the file that students have, and in which a check of theirs looks reviews up."""
    return {_file(spec): _packed(_corpus(spec))}


def _file(spec: Mapping[str, Json]) -> str:
    return str(spec.get("file", f"{DATA_SET}.npz"))


def read_files(files: Mapping[str, bytes], spec: Mapping[str, Json]) -> _Reviews:
    """Read the reviews of the students' file.

    Its bytes are those that the course names, and the notebook itself unpickles them.
    """
    with np.load(io.BytesIO(files[_file(spec)]), allow_pickle=True) as file:
        return _Reviews(
            (*file["x_train"], *file["x_test"]), np.concatenate([file["y_train"], file["y_test"]])
        )


def examine(fit: FitSample, spec: Mapping[str, Json]) -> DataReading:
    """Judge what ``fit`` was fed; see ``look``."""
    return _look(fit, spec, [partial(_labels_of, spec, longer=one) for one in (False, True)])


def look(fit: FitSample, spec: Mapping[str, Json], students: _Reviews) -> DataReading:
    """Judge what ``fit`` was fed, as ``examine`` does, by the reviews of the students' file."""
    return _look(fit, spec, [partial(_labels_at, students, length=_whole(spec, "length", 40))])


def _look(fit: FitSample, spec: Mapping[str, Json], files: Sequence[LabelsIn]) -> DataReading:
    """Judge what ``fit`` was fed: shapes, words, labels, number of reviews.

    ``files``: in which the reviews are looked up, one after the other.
    """
    length = _whole(spec, "length", 40)
    if fit.x is None or fit.y is None or not len(fit.x.rows) or not len(fit.y.rows):
        return DataReading(
            (_wrong("data.shape", f"X (n, {length}), Y (n,)", "–", "reviews.unseen"),), None
        )
    shape = _shape(fit.x, fit.y, length)
    if shape.fraction < 1.0:
        return DataReading((shape,), None)
    count = min(len(fit.x.rows), len(fit.y.rows))
    reviews = np.asarray(fit.x.rows[:count])
    labels = np.asarray(fit.y.rows[:count], dtype=np.float64).reshape(-1)
    rows, notes = _count(fit, spec)
    words = _words(reviews)
    if words.fraction < 1.0:
        return DataReading((shape, words, rows), None, notes=notes)
    layout, known = _looked_up(reviews, files)
    if layout is None:
        got = f"{reviews.min():g} … {reviews.max():g}"
        words = _wrong("data.words", words.expected, got, "reviews.other_numbers")
        return DataReading((shape, words, rows), None, notes=notes)
    if layout in {PADDED_AFTER, KERAS_AFTER}:
        notes = (*notes, Message("reviews.padded_after"))
    return DataReading((shape, words, _target(known, labels), rows), layout, notes=notes)


def ask(reading: DataReading, rng: np.random.Generator, spec: Mapping[str, Json]) -> Question:
    """Draw reviews that no file holds, in the student's layout."""
    words, labels = _unseen(rng, _whole(spec, "hidden_rows", 1000), spec)
    inputs = _encoded(words, reading.layout or PADDED_BEFORE, _whole(spec, "length", 40))
    return Question(inputs, labels.astype(np.float32))


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


def training(rng: np.random.Generator, spec: Mapping[str, Json]) -> tuple[Array, Array]:  # noqa: ARG001
    """Give the notebook's own reviews, padded in front: (reviews, length), (reviews,)."""
    corpus = _corpus(spec)
    inputs = _encoded(corpus.x_train, PADDED_BEFORE, _whole(spec, "length", 40))
    return inputs, corpus.y_train.astype(np.float32)


# --- the data set ------------------------------------------------------------------------------


def _source() -> Source:
    return source(Path(__file__).resolve().parents[1], DATA_SET)


def _corpus(spec: Mapping[str, Json]) -> _Corpus:
    """Give the corpus of an exercise, drawn once per process: whatever length it is cut to."""
    return parsed(_source(), _parse, json.dumps(_of_the_course(spec), sort_keys=True))


def _of_the_course(spec: Mapping[str, Json]) -> dict[str, Json]:
    """Give the table at the course's own length, where it is at a student's."""
    given = dict(spec)
    length = given.pop(OTHER_LENGTH, None)
    return {**given, "length": length} if length is not None else given


def _longer_corpus(spec: Mapping[str, Json]) -> _Corpus:
    """Give the corpus with as many reviews as IMDB's own file has; the course's come first."""
    return parsed(_source(), _longer, json.dumps(_of_the_course(spec), sort_keys=True))


def _longer(found: Source, table: str) -> _Corpus:
    if found.origin.name == "imdb":  # what its test half has more is the judge's
        return _real(found, json.dumps({**json.loads(table), "train_rows": KERAS_ROWS}))
    spec, own = json.loads(table), parsed(found, _parse, table)
    words = parsed(found, _word_list)
    rng = np.random.default_rng([words.seed, _whole(spec, "length", 40), KERAS_ROWS])
    x_train, y_train = _draw_many(words, rng, KERAS_ROWS - len(own.x_train), spec)
    x_test, y_test = _draw_many(words, rng, KERAS_ROWS - len(own.x_test), spec)
    return _Corpus(
        x_train=(*own.x_train, *x_train),
        y_train=np.concatenate([own.y_train, y_train]),
        x_test=(*own.x_test, *x_test),
        y_test=np.concatenate([own.y_test, y_test]),
        index=own.index,
    )


def _parse(found: Source, table: str) -> _Corpus:
    return _real(found, table) if found.origin.name == "imdb" else _invented(found, table)


def _real(found: Source, table: str) -> _Corpus:
    """IMDB: as many reviews as the exercise has; those after them in the test half are hidden."""
    spec = json.loads(table)
    arrays = parsed(found, _imdb)
    train, test = _whole(spec, "train_rows", 4000), _whole(spec, "test_rows", 1000)
    mixed = np.random.default_rng(0)  # the file has all likes after all dislikes
    first, then = (mixed.permutation(len(arrays[half])) for half in ("x_train", "x_test"))
    return _Corpus(
        x_train=tuple(tuple(arrays["x_train"][n]) for n in first[:train]),
        y_train=np.asarray(arrays["y_train"])[first[:train]],
        x_test=tuple(tuple(arrays["x_test"][n]) for n in then[:test]),
        y_test=np.asarray(arrays["y_test"])[then[:test]],
        index={},
        x_hidden=tuple(tuple(arrays["x_test"][n]) for n in then[test:]),
        y_hidden=np.asarray(arrays["y_test"])[then[test:]],
    )


def _imdb(found: Source) -> dict[str, list[Any]]:
    return read_ragged(found.origin.path)


def _index(corpus: _Corpus) -> Mapping[str, int]:
    """Give the word list; IMDB's has a file of its own, and without it words show as numbers."""
    beside = next((one for one in _source().origin.beside if is_sound(one)), None)
    if corpus.index or beside is None:
        numbers = {n for review in (*corpus.x_train, *corpus.x_test) for n in review}
        return corpus.index or {str(n): n for n in sorted(numbers)}
    return cast("Mapping[str, int]", json.loads(beside.path.read_text("utf-8")))


def _with_usual_words(index: Mapping[str, int]) -> Mapping[str, int]:
    """Give IMDB's usual words numbers as well where the reviews are invented.

    ``get_word_index()["the"]`` is right code. No review holds these words.
    """
    found = _source()
    if found.origin.name == "imdb":
        return index
    usual = (found.origin.path.parent / USUAL_WORDS).read_text("utf-8").split()
    others = [word for word in dict.fromkeys(usual) if word not in index]
    return {**index, **dict(zip(others, itertools.count(len(index) + 1)))}


def _unseen(
    rng: np.random.Generator, rows: int, spec: Mapping[str, Json]
) -> tuple[Sequence[Sequence[int]], Array]:
    """Draw reviews that are not the students': invented anew, or kept back."""
    corpus = _corpus(spec)
    if corpus.y_hidden is None:
        return _draw(parsed(_source(), _word_list), rng, rows, spec)
    picked = rng.choice(len(corpus.y_hidden), min(rows, len(corpus.y_hidden)), replace=False)
    return [corpus.x_hidden[n] for n in picked], corpus.y_hidden[picked]


def _invented(found: Source, table: str) -> _Corpus:
    spec = json.loads(table)
    words = parsed(found, _word_list)
    rng = np.random.default_rng([words.seed, _whole(spec, "length", 40)])
    x_train, y_train = _draw(words, rng, _whole(spec, "train_rows", 4000), spec)
    x_test, y_test = _draw(words, rng, _whole(spec, "test_rows", 1000), spec)
    return _Corpus(x_train, y_train, x_test, y_test, words.index)


def _word_list(found: Source) -> _Words:
    told = json.loads(found.origin.path.read_text("utf-8"))
    groups = [told[name].split() for name in ("not", "topics", "degrees", "praise", "blame")]
    index = {word: number for number, word in enumerate(itertools.chain(*groups), start=1)}
    spans = [(index[group[0]], index[group[-1]] + 1) for group in groups]
    return _Words(int(told["seed"]), index, *spans[1:])


def _draw(
    words: _Words, rng: np.random.Generator, rows: int, spec: Mapping[str, Json]
) -> tuple[tuple[tuple[int, ...], ...], Array]:
    least, most = _whole(spec, "least_clauses", 6), _whole(spec, "most_clauses", 10)
    agrees = float(cast("Any", spec.get("agreement", 0.9)))
    labels = rng.integers(0, 2, rows)
    counts = rng.integers(least, most + 1, rows)
    reviews = tuple(
        _review(words, rng, int(clauses), agrees, likes=bool(label))
        for clauses, label in zip(counts, labels, strict=True)
    )
    return reviews, labels


def _review(
    words: _Words, rng: np.random.Generator, clauses: int, agrees: float, *, likes: bool
) -> tuple[int, ...]:
    chances = rng.random((clauses, 3))
    said: list[int] = []
    for agreeing, negated, degree in chances < (agrees, NEGATED, HAS_DEGREE):
        said.append(int(rng.integers(*words.topics)))
        if degree:
            said.append(int(rng.integers(*words.degrees)))
        if negated:
            said.append(1)  # 안
        praises = (agreeing == likes) != negated
        said.append(int(rng.integers(*(words.praise if praises else words.blame))))
    return tuple(said)


def _draw_many(
    words: _Words, rng: np.random.Generator, rows: int, spec: Mapping[str, Json]
) -> tuple[tuple[tuple[int, ...], ...], Array]:
    """Draw by the same rule as ``_draw``, all clauses of all reviews at once: others, and fast."""
    least, most = _whole(spec, "least_clauses", 6), _whole(spec, "most_clauses", 10)
    agrees = float(cast("Any", spec.get("agreement", 0.9)))
    labels = rng.integers(0, 2, rows)
    counts = rng.integers(least, most + 1, rows)
    agreeing, negated, degree = (
        rng.random(counts.sum()) < share for share in (agrees, NEGATED, HAS_DEGREE)
    )
    praises = (agreeing == np.repeat(labels == 1, counts)) != negated
    topic, much, praise, blame = (
        rng.integers(*span, counts.sum())
        for span in (words.topics, words.degrees, words.praise, words.blame)
    )
    # (clauses, 4); 0 where nothing is said; 1 is 안
    said = np.stack([topic, much * degree, negated, np.where(praises, praise, blame)], axis=1)
    lengths = np.add.reduceat((said > 0).sum(axis=1), np.cumsum(counts) - counts)
    reviews = np.split(said[said > 0], np.cumsum(lengths)[:-1])
    return tuple(tuple(review.tolist()) for review in reviews), labels


def _packed(corpus: _Corpus) -> bytes:
    """Give the reviews as imdb.npz has them."""
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        x_train=_ragged(corpus.x_train),
        y_train=corpus.y_train,
        x_test=_ragged(corpus.x_test),
        y_test=corpus.y_test,
    )
    return packed.getvalue()


def _ragged(reviews: Sequence[Sequence[int]]) -> Array:
    """As imdb.npz keeps them: an array of Python lists."""
    rows = np.empty(len(reviews), dtype=object)
    for number, review in enumerate(reviews):
        rows[number] = list(review)
    return rows


def _encoded(reviews: Sequence[Sequence[int]], layout: str, length: int) -> Array:
    """Give (reviews, length) as ``pad_sequences`` does; too long a review keeps its end."""
    after = layout in {PADDED_AFTER, KERAS_AFTER}
    inputs = np.zeros((len(reviews), length), dtype=np.int32)
    for row, review in enumerate(reviews):
        if layout in {KERAS_BEFORE, KERAS_AFTER}:
            numbers = [w + SHIFT if w + SHIFT < WORDS else UNKNOWN for w in review]
            words = [START, *numbers][-length:]
        else:
            words = [w for w in review if w < WORDS][-length:]
        place = slice(0, len(words)) if after else slice(length - len(words), length)
        inputs[row, place] = words
    return inputs


# --- what was given to fit ---------------------------------------------------------------------


def _looked_up(reviews: Array, files: Sequence[LabelsIn]) -> tuple[str | None, Array]:
    """Find the layout in which the reviews are a file's; give their labels, NaN where unknown.

    The course's own file comes first: the one that stands for IMDB's takes longer to look through.
    """
    rows = [_digest(row) for row in reviews.astype(np.int32)]
    for labels_in, layout in itertools.product(files, LAYOUTS):
        labels = labels_in(layout)
        known = np.array([labels.get(row, np.nan) for row in rows])
        if np.isfinite(known).mean() >= ALMOST_ALL:
            return layout, known
    return None, np.empty(0)


def _labels_of(spec: Mapping[str, Json], layout: str, *, longer: bool) -> dict[bytes, float]:
    """Give the labels by encoded review: kept for the course's own length, not for every other."""
    if longer:
        return _labels_at(_students(_longer_corpus(spec)), layout, _whole(spec, "length", 40))
    if OTHER_LENGTH in spec:
        return _labels_at(_students(_corpus(spec)), layout, _whole(spec, "length", 40))
    return parsed(_source(), _labels, json.dumps(dict(spec), sort_keys=True), layout)


def _labels(found: Source, table: str, layout: str) -> dict[bytes, float]:
    reviews = _students(parsed(found, _parse, table))
    return _labels_at(reviews, layout, _whole(json.loads(table), "length", 40))


def _students(corpus: _Corpus) -> _Reviews:
    return _Reviews(
        (*corpus.x_train, *corpus.x_test), np.concatenate([corpus.y_train, corpus.y_test])
    )


def _labels_at(reviews: _Reviews, layout: str, length: int) -> dict[bytes, float]:
    """Give every review, encoded, with its label; some at a time."""
    found: dict[bytes, float] = {}
    for start in range(0, len(reviews.words), AT_A_TIME):
        part = slice(start, start + AT_A_TIME)
        inputs = _encoded(reviews.words[part], layout, length)
        for row, label in zip(inputs, reviews.labels[part], strict=True):
            found[_digest(row)] = float(label)
    return found


def _digest(row: Array) -> bytes:
    """Stand for a row of any length in a few bytes."""
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()


def _shape(x: ArraySample, y: ArraySample, length: int) -> Finding:
    expected = f"X (n, {length}), Y (n,)"
    got = f"X {_shown(x.shape)}, Y {_shown(y.shape)}"
    if len(x.shape) == 3 and x.shape[1] == length:
        return _wrong("data.shape", expected, got, "reviews.one_hot")
    if x.shape[1:] != (length,):
        return _wrong("data.shape", expected, got, "reviews.shape", length=length)
    if y.shape not in ((x.shape[0],), (x.shape[0], 1)):
        return _wrong("data.shape", expected, got, "reviews.target_shape")
    return _right("data.shape", expected, got, "reviews.shape_right")


def _words(reviews: Array) -> Finding:
    """Every number is a whole one and has a place in the Embedding."""
    expected = f"0 … {WORDS - 1}"
    if not np.isfinite(reviews.astype(np.float64)).all():
        return _wrong("data.words", expected, "NaN", "reviews.unknown_words")
    got = f"{reviews.min():g} … {reviews.max():g}"
    if reviews.min() < 0 or reviews.max() >= WORDS or (reviews != np.round(reviews)).any():
        return _wrong("data.words", expected, got, "reviews.unknown_words")
    return _right("data.words", expected, got, "reviews.words_right")


def _target(known: Array, labels: Array) -> Finding:
    """Set the labels against those of the file."""
    expected = "0, 1"
    values = np.unique(labels)
    if not np.isin(values, (0.0, 1.0)).all() or len(values) == 1 < len(labels):
        got = ", ".join(f"{value:g}" for value in values[:4])
        return _wrong("data.target", expected, got, "reviews.not_labels")
    clear = np.isfinite(known)
    agreed = float(np.mean(known[clear] == labels[clear]))
    if agreed >= ALMOST_ALL:
        return _right("data.target", expected, expected, "reviews.target_right")
    name = "reviews.target_inverted" if agreed <= ALMOST_NONE else "reviews.target"
    return _wrong("data.target", expected, f"{agreed:.0%}", name, share=agreed)


def _count(fit: FitSample, spec: Mapping[str, Json]) -> tuple[Finding, tuple[Message, ...]]:
    assert fit.x is not None
    least, rows = _whole(spec, "min_rows", 1000), fit.x.shape[0]
    if fit.kind != "arrays":  # of a dataset only its first batch was seen
        finding = _right("data.rows", f"≥ {least}", "?", "reviews.rows_uncounted")
        return finding, (finding.message,)
    if rows < least:
        return _wrong("data.rows", f"≥ {least}", str(rows), "reviews.rows", rows=rows), ()
    return _right("data.rows", f"≥ {least}", str(rows), "reviews.rows_right", rows=rows), ()


def _shown(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"


def _whole(spec: Mapping[str, Json], key: str, default: int) -> int:
    return int(cast("Any", spec.get(key, default)))


def _right(finding: str, expected: str, got: str, message_id: str, **args: float | str) -> Finding:
    return Finding(finding, 1.0, expected, got, Message(message_id, args))


def _wrong(finding: str, expected: str, got: str, message_id: str, **args: float | str) -> Finding:
    """A wrong answer: its message and, from ``HINTS``, the advice that goes with it."""
    message = Message(message_id, {"expected": expected, "got": got, **args})
    return Finding(finding, 0.0, expected, got, message, Message(HINTS[message_id], args))
