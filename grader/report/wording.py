"""What every report says in the same way: reasons, places, points, titles.

Enters: Records and their parts. Leaves: short texts, safe for the eye; each report escapes them for
its own format. Touches nothing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from grader.policy.hand_ins import Counting
from grader.report import by_hand
from grader.text.printable import printable
from grader.text.words import Words
from grader.types import (
    NO_REFERENCE,
    UNKNOWN,
    Check,
    EvidenceClass,
    Grade,
    Message,
    Record,
    Scalar,
    Verdict,
)

FULL = 100.0  # points, of most exercises
LONGEST_NAME = 120
LONGEST_VALUE = 400
LONGEST_FAULT = 2000  # an instructor needs the end of it: the cause stands there
LENGTH_OF_REFERENCE = 8
LONGEST_STEM = 90  # bytes: with what is added to it a name has 255 at most
LENGTH_OF_MARK = 16  # of a digest: nobody finds another name with the same one
_MARKED = re.compile(rf"-[0-9a-f]{{{LENGTH_OF_MARK}}}$")
_DEVICES = frozenset(  # which Windows keeps for itself, whatever follows a dot
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)
ORDER = tuple(Verdict)  # the contract's order: what matters most comes first
VERDICTS = {
    Verdict.GRADER_ERROR: "verdict.grader_error",
    Verdict.MALFORMED: "verdict.malformed",
    Verdict.MEMORY_LIMIT: "verdict.memory_limit",
    Verdict.TIME_LIMIT: "verdict.time_limit",
    Verdict.RUNTIME_ERROR: "verdict.runtime_error",
    Verdict.NO_MODEL: "verdict.no_model",
    Verdict.WRONG_ARCHITECTURE: "verdict.wrong_architecture",
    Verdict.WRONG_DATA: "verdict.wrong_data",
    Verdict.UNTRAINED: "verdict.untrained",
    Verdict.LOW_ACCURACY: "verdict.low_accuracy",
    Verdict.SUSPICIOUS: "verdict.suspicious",
    Verdict.WAITING: "verdict.waiting",
    Verdict.BY_HAND: "verdict.by_hand",
    Verdict.EXCUSED: "verdict.excused",
    Verdict.ACCEPTED: "verdict.accepted",
}
VERDICT_REASONS = {
    Verdict.GRADER_ERROR: "verdict.grader_error.why",
    Verdict.MALFORMED: "verdict.malformed.why",
    Verdict.MEMORY_LIMIT: "verdict.memory_limit.why",
    Verdict.TIME_LIMIT: "verdict.time_limit.why",
    Verdict.RUNTIME_ERROR: "verdict.runtime_error.why",
    Verdict.NO_MODEL: "verdict.no_model.why",
    Verdict.WRONG_ARCHITECTURE: "verdict.wrong_architecture.why",
    Verdict.WRONG_DATA: "verdict.wrong_data.why",
    Verdict.UNTRAINED: "verdict.untrained.why",
    Verdict.LOW_ACCURACY: "verdict.low_accuracy.why",
    Verdict.SUSPICIOUS: "verdict.suspicious.why",
    Verdict.WAITING: "verdict.waiting.why",
    Verdict.BY_HAND: "verdict.by_hand.why",
    Verdict.EXCUSED: "verdict.excused.why",
    Verdict.ACCEPTED: "verdict.accepted.why",
}
CLASSES = {
    EvidenceClass.RUNS: "class.runs",
    EvidenceClass.STRUCTURE: "class.structure",
    EvidenceClass.DATA: "class.data",
    EvidenceClass.TRAINING: "class.training",
    EvidenceClass.ACCURACY: "class.accuracy",
}
FLAGS = {
    "history_contradicts": "flag.history_contradicts",
    "needs_review": "flag.needs_review",
    "no_training_seen": "flag.no_training_seen",
    "pretrained": "flag.pretrained",
    "room_lacks": "flag.room_lacks",
    "trained_without_fit": "flag.trained_without_fit",
    "training_unheard": "flag.training_unheard",
    "weights_contradict_model": "flag.weights_contradict_model",
}
# What is said of a check that passed, and of one below which expected and got stand.
RIGHT = {
    "structure.layer": "structure.layer.right",
    "structure.layers": "structure.layers.right",
    "structure.total": "structure.total.right",
    "training.epochs": "training.epochs.right",
}
BRIEF = {
    "structure.layer": "structure.layer.brief",
    "structure.layer_missing": "structure.layer.brief",
    "structure.layers": "structure.layers.brief",
    "structure.total": "structure.total.brief",
}
_DECIDING = {
    Verdict.WRONG_ARCHITECTURE: EvidenceClass.STRUCTURE,
    Verdict.NO_MODEL: EvidenceClass.STRUCTURE,
    Verdict.WRONG_DATA: EvidenceClass.DATA,
    Verdict.UNTRAINED: EvidenceClass.TRAINING,
    Verdict.LOW_ACCURACY: EvidenceClass.ACCURACY,
    Verdict.RUNTIME_ERROR: EvidenceClass.RUNS,
    Verdict.TIME_LIMIT: EvidenceClass.RUNS,
    Verdict.MEMORY_LIMIT: EvidenceClass.RUNS,
    Verdict.MALFORMED: EvidenceClass.RUNS,
}


# Of what nobody looked at, in a check that is not the grade.
UNLOOKED = frozenset(
    {
        *("live.data_unasked", "live.data_missing", "live.data_elsewhere", "live.data_outside"),
        *("live.data_handed_in", "live.own_checks"),
        NO_REFERENCE,
    }
)
READABLE = "runs.readable"  # the one check of a file that is no notebook
EPOCHS = "training.epochs"  # the check of them
FEWER_EPOCHS = "training.epochs_fewer"  # the points for training are earned all the same


def name(text: str) -> str:
    """Show a student, submission or exercise."""
    return printable(text, limit=LONGEST_NAME) or "–"


def value(text: str) -> str:
    """Show what was expected or what came."""
    return printable(text, limit=LONGEST_VALUE)


def file_stem(student: str) -> str:
    """Give a file name for a student: readable, safe, and never the same for two.

    Nor is it on a disk that takes capitals for small letters, or one form of a letter for another.
    A name that is not plain has a digest behind it, and one that looks like that is not plain.
    """
    safe = re.sub(r"[^\w.-]+", "-", printable(student))
    safe = safe.encode()[:LONGEST_STEM].decode("utf-8", "ignore").strip("-.") or "student"
    if safe.partition(".")[0].lower() in _DEVICES:
        safe = f"student-{safe}"
    if safe == student == _alike(student) and not _MARKED.search(safe):
        return safe
    digest = hashlib.sha256(student.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe}-{digest[:LENGTH_OF_MARK]}"


def _alike(text: str) -> str:
    """Give one text for all names that some disk takes for the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper().casefold())


def title(exercise: str, titles: Mapping[str, str], words: Words) -> str:
    """Give the exercise's title, its id where it has none."""
    if exercise == UNKNOWN:
        return words("report.unknown_exercise")
    return titles.get(exercise) or name(exercise)


def points(number: float) -> str:
    """Write points for people, with at most two decimals: 1,400, 7.5, 66.67."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def waiting(number: float, words: Words) -> str:
    """Say how many points wait for a teacher; nothing where none do."""
    return words("report.waits", points=points(number)) if number > 0 else ""


def score(record: Record) -> str:
    """Write a score; a dash where there is none, for that is not a zero."""
    return "–" if record.grade.score is None else points(record.grade.score)


def out_of_others(record: Record) -> bool:
    """Whether a score is out of other points than the usual hundred."""
    return record.grade.score is not None and record.grade.max_score != FULL


def score_of(record: Record, *, always: bool = False) -> str:
    """Write a score, and out of how many points where they are not the usual, or ``always``."""
    if record.grade.score is None or not (always or out_of_others(record)):
        return score(record)
    return f"{score(record)}/{points(record.grade.max_score)}"


def check_text(check: Check, words: Words) -> str:
    """Say a check's message; what is right is said as such where there are words for it."""
    right = RIGHT.get(check.message.id) if check.passed else None
    return words.say(Message(right, check.message.args) if right else check.message)


def is_unlooked(check: Check) -> bool:
    """Whether a check only says that nobody looked, and why."""
    return check.message.id in UNLOOKED


def asked_of_training(grade: Grade) -> Mapping[str, Scalar]:
    """Give the epochs that are ``asked`` for, and ``needed`` for all points for training.

    Nothing where the work is for no exercise.
    """
    told = next((one.message.args for one in grade.checks if one.id == EPOCHS), {})
    return {name: told[name] for name in ("asked", "needed") if name in told}


def epochs_asked(grade: Grade, words: Words) -> str:
    """Say how many epochs are asked for; nothing where the work is for no exercise."""
    asked = asked_of_training(grade)
    return words.say(Message("live.epochs_asked", asked)) if asked else ""


def epochs_left(grade: Grade) -> Message | None:
    """Advise to train on where fewer epochs than are asked for earn all points for training.

    It matters where accuracy earns points as well, which nobody knows before the grade.
    """
    fewer = next((one.message for one in grade.checks if one.message.id == FEWER_EPOCHS), None)
    return Message("live.epochs_left", fewer.args) if fewer is not None else None


def with_epochs_left(grade: Grade) -> tuple[Message, ...]:
    """Give a grade's hints with that one: the first where nothing else is wrong, else the last."""
    left = epochs_left(grade)
    if left is None:
        return grade.hints
    wrong = any(one.failed and one.cls is not EvidenceClass.ACCURACY for one in grade.checks)
    return (*grade.hints, left) if wrong else (left, *grade.hints)


def cell_name(cell: int | None, words: Words) -> str:
    """Say where: "cell 7" in the reader's language; nothing where it is about no cell."""
    return "" if cell is None else words("report.cell", cell=cell)


def deciding_check(record: Record) -> Check | None:
    """Find the check that the verdict rests on; none for an accepted exercise.

    A notebook that was stopped before anybody knew its exercise lost no points for that.
    """
    grade = record.grade
    if not grade.graded:
        return next(iter(grade.checks), None)
    missed = [check for check in grade.checks if not check.passed]
    wanted = _DECIDING.get(grade.verdict)
    decides = [check for check in missed if check.cls is wanted]
    if wanted is EvidenceClass.RUNS:
        decides += [one for one in grade.checks if one.cls is wanted and not one.max_points]
    return next(iter([*decides, *missed]), None)


def reason(record: Record, words: Words) -> str:
    """Say in one sentence why this is the verdict; nothing for an accepted exercise."""
    if decided := by_hand.decision_text(record, words):
        return decided
    if record.grade.verdict is Verdict.ACCEPTED:
        return ""
    check = deciding_check(record)
    if check is not None:
        return check_text(check, words)
    return verdict_reason(record, words)


def reason_for_student(record: Record, words: Words) -> str:
    """Say the same to a student: of a fault of ours, that it is ours and how to refer to it.

    The fault itself may name the server's files and speaks of code that is not the student's.
    """
    if record.grade.graded:
        return reason(record, words)
    return f"{verdict_reason(record, words)} {reference(record, words)}"


def text_for_student(record: Record, check: Check, words: Words) -> str:
    """Say a check's message to a student; a fault of ours as ``reason_for_student`` does."""
    return check_text(check, words) if record.grade.graded else reason_for_student(record, words)


def reference(record: Record, words: Words) -> str:
    """Give what a student can quote and an instructor can search for."""
    return words("report.reference", reference=record.key[:LENGTH_OF_REFERENCE])


def faults(records: Iterable[Record], words: Words) -> list[str]:
    """Give the distinct reasons why something is ungraded, whole, for an instructor."""
    reasons = (reason(record, words) for record in records if not record.grade.graded)
    return list(dict.fromkeys(printable(one, limit=LONGEST_FAULT) for one in reasons))


def reason_cell(record: Record, words: Words) -> str:
    """Say where to look: the deciding check's cell, else the model's; no cell is our fault.

    How well a model answers was decided where it was trained. Nothing where no check decided:
    lateness, remarks and points that wait are in no cell.
    """
    check = deciding_check(record)
    if check is None or not record.grade.graded or by_hand.decision(record):
        return ""
    if check.cell is not None:
        return cell_name(check.cell, words)
    told_cell = check.message.args.get("cell")
    if isinstance(told_cell, int) and told_cell > 0:
        return cell_name(told_cell, words)
    trained = _trained_cell(record) if check.cls is EvidenceClass.ACCURACY else None
    return cell_name(model_cell(record) if trained is None else trained, words)


def model_cell(record: Record) -> int | None:
    """Give the cell in which the model was found."""
    evidence = record.evidence
    return evidence.model.cell if evidence is not None and evidence.model is not None else None


def _trained_cell(record: Record) -> int | None:
    training = record.evidence.training if record.evidence is not None else None
    return training.cell if training is not None else None


def verdict_name(record: Record, words: Words) -> str:
    """Name a record's verdict."""
    if _of_no_exercise(record):
        return words("verdict.no_known_exercise")
    return words(VERDICTS[record.grade.verdict])


def verdict_reason(record: Record, words: Words) -> str:
    """Say in general what a record's verdict means."""
    if _of_no_exercise(record):
        return words("verdict.no_known_exercise.why")
    if record.grade.verdict is Verdict.ACCEPTED:
        return _accepted_reason(record, words)
    if record.grade.verdict is Verdict.WAITING and not record.waiting:
        return words("verdict.waiting.in_vain")
    if record.grade.verdict is Verdict.SUSPICIOUS and record.waiting:
        return words("verdict.suspicious.waits")
    return words(VERDICT_REASONS[record.grade.verdict])


def _accepted_reason(record: Record, words: Words) -> str:
    """Say what acceptance means: all is right, or what was looked at, or not every cell ran."""
    if by_hand.decision(record):
        return words("verdict.by_hand.why")
    if any(map(_ran_in_part, record.grade.checks)):
        return words("verdict.accepted.in_part")
    if any(map(is_unlooked, record.grade.checks)):
        return words("verdict.accepted.seen")
    return words("verdict.accepted.why")


def _ran_in_part(check: Check) -> bool:
    """Whether a check is of the cells, and points were lost in it."""
    return check.cls is EvidenceClass.RUNS and check.points < check.max_points


def _of_no_exercise(record: Record) -> bool:
    """Whether a model was found, and it belongs to no exercise of the course."""
    grade = record.grade
    told = any(check.message.id == "structure.no_known_exercise" for check in grade.checks)
    return grade.verdict is Verdict.NO_MODEL and told


def class_name(cls: EvidenceClass, words: Words) -> str:
    """Name one of the five questions."""
    return words(CLASSES[cls])


def question(check: str, cls: EvidenceClass, words: Words) -> str:
    """Name the question that a check answers; of a file that is no notebook: whether it is one."""
    return words("class.readable") if check == READABLE else class_name(cls, words)


def flags(record: Record, words: Words) -> list[str]:
    """Say what a teacher should look at."""
    return [words(FLAGS[flag]) if flag in FLAGS else value(flag) for flag in record.grade.flags]


def does_not_count(record: Record, counts: Counting, words: Words) -> str:
    """Say of a hand-in that does not count which one does; nothing of one that does."""
    if counts.is_chosen(record):
        return ""
    other = counts.chosen.get((record.student, record.exercise))
    if other is None:  # it is none of these
        instead = record.by_rules.instead if record.by_rules is not None else ""
        return words("report.does_not_count", other=name(instead))
    return words("report.does_not_count", other=name(other.submission))


def in_course_order(records: Iterable[Record], titles: Mapping[str, str]) -> list[Record]:
    """Order by the course's exercises, those that it does not have last; else as they are."""
    places = {exercise: place for place, exercise in enumerate(titles)}
    return sorted(records, key=lambda one: places.get(one.exercise, len(places)))


def worst_first(records: Iterable[Record]) -> list[Record]:
    """Order by verdict, then score, then name."""
    return sorted(
        records,
        key=lambda one: (
            ORDER.index(one.grade.verdict),
            one.grade.score if one.grade.score is not None else -1.0,
            one.student,
            one.exercise,
        ),
    )
