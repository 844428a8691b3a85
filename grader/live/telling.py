"""Says what a check found: which checks are right, which are not yet, which are not made here.

Enters: LiveEvidence, an exercise, words. Leaves: an Answer. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from grader import __version__
from grader.course.exercises import Exercise
from grader.course.public import PublicCourse
from grader.extract.matching import is_theirs
from grader.live.advising import advice
from grader.live.answer import (
    COLOURS,
    NOT_YET,
    NOTE,
    RIGHT,
    UNKNOWN,
    WRONG,
    Answer,
    Hint,
    Line,
    Picture,
)
from grader.live.chance import Standing, said_of, standing_of
from grader.live.evidence import UNSEEN, LiveEvidence, LiveModel
from grader.live.names import last_error, names_in
from grader.live.picture import drawing, scale
from grader.report import wording
from grader.score.hints_training import setting_hints
from grader.score.score import score
from grader.text.words import Words
from grader.types import EvidenceClass, Grade, Message, Scalar

SHOWN = (EvidenceClass.STRUCTURE, EvidenceClass.DATA, EvidenceClass.TRAINING)
GROUPS = (EvidenceClass.RUNS, *SHOWN)
LEFT = {
    EvidenceClass.STRUCTURE: "live.left_structure",
    EvidenceClass.DATA: "live.left_data",
    EvidenceClass.TRAINING: "live.left_training",
    EvidenceClass.ACCURACY: "live.left_accuracy",
    EvidenceClass.RUNS: "live.left_runs",
}


def problem(exercise: str, told: str) -> Answer:
    """Answer that nothing could be looked at, and why."""
    return Answer(exercise, "", (), (), "", (), (), "", problem=told)


def answer_of(
    found: LiveEvidence,
    models: Sequence[LiveModel],
    exercise: Exercise,
    course: PublicCourse,
    names: Mapping[str, Any],
    words: Words,
) -> Answer:
    """Score the evidence as the grader does, and say of it what can be said here."""
    grade = score(found.evidence, exercise, None)
    failed = _last_error(found, names)
    standing = standing_of(found, grade, exercise, course.curves.get(exercise.id))
    earlier = frozenset(one.held.name for one in models if one.held.earlier)
    done = standing is not None and len(standing.losses) >= exercise.epochs
    lines = (
        *_failed(found, words),
        *_structure(found, grade, failed, words),
        *_data(found, grade, words),
        *_training(found, grade, exercise, words),
        *_own(exercise, course, words),
        *_notes(found, exercise, course, words),
        *_chance(standing, done, found, words),
    )
    advised = advice(found, grade, exercise, failed, earlier)
    hints = tuple(Hint(words.say(one)) for one in advised)
    counted = Answer(exercise.id, "", lines, (), "", (), (), "")
    missing = counted.right < counted.asked or not counted.asked
    return replace(
        counted,
        title=exercise.title.ko if words.lang == "ko" else exercise.title.en,
        titles=tuple((cls, wording.class_name(cls, words)) for cls in GROUPS),
        model=_model(found, models, exercise, words),
        hints=hints[: course.hints],
        summary=tuple(_summary(counted, found, grade, exercise, words)),
        no_more=words("live.no_more_hints" if hints or missing else "live.nothing_to_hint"),
        picture=_picture(standing, done, words) if standing is not None else None,
    )


def _last_error(found: LiveEvidence, names: Mapping[str, Any]) -> str:
    """Give what the last cell that failed said; "" where none did, or each has run since."""
    if found.failed:
        return found.failed[-1].told
    return "" if found.all_failed else last_error(names)


def _misset(found: LiveEvidence) -> bool:
    """Whether a setting of ``compile`` works against the exercise; a hint names it."""
    training = found.evidence.training
    return training is not None and bool(setting_hints(training))


def _chance(
    standing: Standing | None, done: bool, found: LiveEvidence, words: Words
) -> Iterator[Line]:
    """Say where the training stands among correct ones; ``done``: all of its epochs are."""
    if standing is None:
        return
    counts = {"epoch": standing.epoch, "runs": standing.curve.runs, "lower": standing.lower}
    told = said_of(standing, done=done, misset=_misset(found))
    args = {**counts, "loss": standing.loss, "median": standing.median}
    yield Line(NOTE, None, " ".join(words(one, **args) for one in told))


def _picture(standing: Standing, done: bool, words: Words) -> Picture:
    colour = COLOURS[WRONG if standing.behind and not done else RIGHT]
    label = words("live.chance_picture", last=standing.curve.epochs[-1])
    drawn = drawing(standing, colour, label, words("live.chance_axis"))
    html = f'{drawn}<div style="font-size:85%">{escape(label)}</div>'
    return Picture(words("live.chance_scale", scale=scale(standing)), html)


def _failed(found: LiveEvidence, words: Words) -> Iterator[Line]:
    """Name the cells that failed; behind the last one, what to do where it is there no more."""
    for cell in found.failed:
        told = words("live.cell_failed", cell=cell.place, error=cell.told)
        if cell is found.failed[-1]:
            told = f"{told} {words('live.cell_gone')}"
            told += "" if found.all_failed else f" {words('live.last_error_alone')}"
        yield Line(WRONG, EvidenceClass.RUNS, told)


def _structure(found: LiveEvidence, grade: Grade, failed: str, words: Words) -> Iterator[Line]:
    cls = EvidenceClass.STRUCTURE
    if found.chosen is None and failed:
        yield Line(NOT_YET, cls, words("live.no_model_failed", error=failed))
        return
    if found.chosen is None:
        yield Line(NOT_YET, cls, words("live.no_model"))
        return
    yield from _checks(cls, grade, words)


def _data(found: LiveEvidence, grade: Grade, words: Words) -> Iterator[Line]:
    cls = EvidenceClass.DATA
    if found.data_unknown:
        yield Line(UNKNOWN, cls, words(found.data_unknown))
    elif found.chosen is None:
        yield Line(NOT_YET, cls, words("live.not_yet"))
    elif not found.evidence.data:
        yield Line(NOT_YET, cls, _no_fit(found, words))
    else:
        yield from _checks(cls, grade, words)


def _training(
    found: LiveEvidence, grade: Grade, exercise: Exercise, words: Words
) -> Iterator[Line]:
    cls, known = EvidenceClass.TRAINING, found.chosen.known if found.chosen else None
    asked = wording.epochs_asked(grade, words)
    if known is not None and found.epochs_unsure and known.fits:
        run = sum(fit.epochs_run for fit in known.fits)
        told = words("live.epochs_unsure", run=run, more=known.more)
        yield Line(UNKNOWN, cls, f"{told} {asked}")
    elif known is not None and found.epochs_unsure:
        told = words("live.trained_otherwise", updates=known.updates)
        yield Line(UNKNOWN, cls, f"{told} {asked}")
    elif known is None or not known.fits or known.failed:
        told = words("live.not_yet") if known is None else _no_fit(found, words)
        yield Line(NOT_YET, cls, f"{told} {asked}")
    else:
        yield from _checks(cls, _with_accuracy(grade, exercise), words)


def _with_accuracy(grade: Grade, exercise: Exercise) -> Grade:
    """Say of fewer epochs than are asked for what they are enough for."""
    here = "live.epochs_some" if exercise.earns_by_accuracy else "live.epochs_enough"
    checks = tuple(
        replace(one, message=Message(here, one.message.args))
        if one.message.id == wording.FEWER_EPOCHS
        else one
        for one in grade.checks
    )
    return replace(grade, checks=checks)


def _no_fit(found: LiveEvidence, words: Words) -> str:
    """Say that nothing was trained: nobody tried, or the cell that does failed."""
    if found.chosen is None or found.chosen.known.failed is None:
        return words("live.no_fit")
    return words("live.fit_failed", cell=found.chosen.known.failed.place)


def _checks(cls: EvidenceClass, grade: Grade, words: Words) -> Iterator[Line]:
    for check in grade.checks:
        if check.cls is cls:
            mark = RIGHT if check.passed else WRONG
            yield Line(mark, cls, wording.check_text(check, words))


def _own(exercise: Exercise, course: PublicCourse, words: Words) -> Iterator[Line]:
    for cls in course.own_checks.get(exercise.id, ()):
        if cls in SHOWN:
            yield Line(UNKNOWN, cls, words("live.own_checks"))


def _notes(
    found: LiveEvidence, exercise: Exercise, course: PublicCourse, words: Words
) -> Iterator[Line]:
    """Say what costs nothing and is good to know."""
    for note in found.evidence.notes:
        yield Line(NOTE, None, words.say(note))
    theirs = _of_another(found, exercise, course)
    if theirs:
        yield Line(NOTE, None, words("live.of_another", exercise=theirs))
    if course.version != __version__:
        versions = {"course": course.version, "grader": __version__}
        yield Line(NOTE, None, words("live.other_version", **versions))


def _of_another(found: LiveEvidence, exercise: Exercise, course: PublicCourse) -> str:
    if found.chosen is None:
        return ""
    reading = found.chosen.reading
    others = (one for key, one in course.exercises.items() if key != exercise.id)
    return next((one.id for one in others if is_theirs(reading, exercise, [one])), "")


def _model(
    found: LiveEvidence, models: Sequence[LiveModel], exercise: Exercise, words: Words
) -> str:
    if found.chosen is None:
        return ""
    name = wording.name(found.chosen.held.name)
    others = [one.held for one in models if one is not found.chosen]
    now = [one for one in others if not one.earlier]
    if not others:
        return words("live.looked_at", name=name)
    told = names_in(now or others, lambda one: wording.name(one.name))
    if not now and not found.chosen.held.earlier:
        return words("live.looked_at_now", name=name, models=told)
    return words("live.model_of_several", name=name, models=told, exercise=exercise.id)


def _summary(
    counted: Answer, found: LiveEvidence, grade: Grade, exercise: Exercise, words: Words
) -> Iterator[str]:
    """Say how much is right, what nobody has looked at, and what comes next."""
    unknown = {line.about for line in counted.lines if line.mark == UNKNOWN}
    if exercise.earns_by_accuracy:
        unknown.add(EvidenceClass.ACCURACY)
    unknown.add(EvidenceClass.RUNS)
    left = [words(told) for cls, told in LEFT.items() if cls in unknown]
    counts: dict[str, Scalar] = {"right": counted.right, "asked": counted.asked}
    told = "live.public_checks" if found.chosen is not None else "live.public_checks_none"
    yield words(told, **counts, unknown=", ".join(left))
    yield words("live.restart")
    more = exercise.earns_by_accuracy and (wording.epochs_left(grade) is not None or _misset(found))
    known = not found.epochs_unsure and found.data_unknown != UNSEEN
    if 0 < counted.right == counted.asked and known and not more:
        yield words("live.hand_in", exercise=exercise.id)
