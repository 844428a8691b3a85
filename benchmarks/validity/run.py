"""Does the grader accept what is right, refuse what is wrong, and say what is wrong?

Writes notebooks from small pieces, each right or with exactly one planted fault, grades them
through the real pipeline, and counts: correct work that was not accepted (false fail), faults that
were accepted (false pass), how often the first hint named the planted fault. Misses are listed.

    python benchmarks/validity/run.py --exercise sequence-prediction
    python benchmarks/validity/run.py --only multiplication-gru/sum --out /tmp/validity
    python benchmarks/validity/run.py --subset --engine jax --against validity/results.json

The grader's own room trains, unless it is told otherwise: with ``--no-trainer`` or ``--engine jax``
notebooks train by themselves.
Resumable: what was run is kept in OUT and not run again. Deterministic on one engine and cores.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from cheats import WEIGHTS, cheats
from mutants import mutants
from pieces import EXERCISES, ValidityCase
from variants import variants

from grader.cli.course import open_words
from grader.cli.grade import graded_as_done
from grader.cli.progress import ProgressLines
from grader.code.engines import AUTO
from grader.collect.collect import collect
from grader.course.exercises import Course
from grader.course.load import find_course, load_course
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings
from grader.record.store import Store
from grader.room import open_room
from grader.room.quick import quickened
from grader.types import Record, Verdict

SECRET = hashlib.sha256(b"validity").digest()  # fixed: the same notebooks get the same seeds
BASE = "textbook"  # whose trained weights the cheats paste in
# What trains to its end and then counts: with --brief every other of them is graded.
LONG = frozenset({"accepted", "wrong_architecture", "wrong_data", "low_accuracy"})
# Graded on both engines: a TensorFlow training takes four times as long.
BOTH_ENGINES = (
    *(f"sequence-prediction/{name}" for name in ("textbook", "functional", "half_units")),
    *(f"sequence-prediction/{name}" for name in ("all_steps", "last_input", "never_fitted")),
    *(f"sequence-prediction/{name}" for name in ("three_epochs", "fix", "history_forged")),
    *(f"multiplication-simple-rnn/{name}" for name in ("textbook", "sum", "missing_sequences")),
    *(f"multiplication-lstm/{name}" for name in ("added", "three_epochs", "never_fitted")),
    *(f"multiplication-lstm/{name}" for name in ("fit_generator", "history_forged")),
    *(f"multiplication-gru/{name}" for name in ("textbook", "eight_epochs", "half_units")),
)


@dataclass(frozen=True)
class Result:
    """What came of one case."""

    name: str
    exercise: str
    kind: str  # correct, fault, note (accepted with a remark), cheat
    fault: str
    expected: tuple[str, ...]
    got: str
    expected_hint: str | None
    hints: tuple[str, ...]
    flags: tuple[str, ...]
    score: float | None
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the verdict is one of those that were expected."""
        return self.got in self.expected

    @property
    def named(self) -> bool | None:
        """Whether the first hint names the planted fault; None where no hint is expected."""
        if self.expected_hint is None:
            return None
        return self.hints[:1] == (self.expected_hint,)


def main() -> int:
    """Run and report; 1 where anything was missed."""
    given = _options()
    course = load_course(find_course(Path(__file__)))
    results: list[Result] = []
    for exercise in given.exercise or EXERCISES:
        results += run(course, exercise, given)
    told = summary(results)
    given.out.mkdir(parents=True, exist_ok=True)
    report = {"summary": told, "cases": [asdict(one) for one in results]}
    (given.out / "results.json").write_text(json.dumps(report, indent=1, ensure_ascii=False))
    show(results, told)
    differing = compared(results, given.against) if given.against else []
    return 0 if not misses(results) and not differing else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--exercise", action="append", choices=EXERCISES)
    parser.add_argument("--only", action="append", help="NAME or EXERCISE/NAME; may be repeated")
    parser.add_argument("--brief", action="store_true", help="half of what trains to its end")
    parser.add_argument("--subset", action="store_true", help="the twenty for both engines")
    parser.add_argument(
        "--against", type=Path, action="append", help="results.json of the other engine"
    )
    parser.add_argument("--kind", action="append", choices=("correct", "fault", "note", "cheat"))
    parser.add_argument("--engine", default=AUTO)
    parser.add_argument(
        "--trainer",
        action=argparse.BooleanOptionalAction,
        help="who trains; default: as course.toml says, and never the trainer with --engine jax",
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--epochs", type=int, help="train for fewer epochs, to try the bench itself"
    )
    parser.add_argument("--out", type=Path, default=Path(".validity"))
    return parser.parse_args()


# --- cases -----------------------------------------------------------------------------------


def cases_of(exercise: str) -> tuple[ValidityCase, ...]:
    """Give every case of an exercise."""
    found = (*variants(exercise), *mutants(exercise), *cheats(exercise))
    assert len({case.name for case in found}) == len(found), "two cases of one name"
    return found


def kind_of(case: ValidityCase) -> str:
    """Tell correct work, faults, remarks and cheats apart."""
    if case.correct:
        return "correct"
    if case.name in {cheat.name for cheat in cheats(case.exercise)}:
        return "cheat"
    return "note" if case.verdicts == ("accepted",) else "fault"


def brief(cases: Iterable[ValidityCase]) -> list[ValidityCase]:
    """Leave out every other case that trains to its end, of each kind and verdict; no cheat."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for case in cases:
        kind = (kind_of(case), case.verdicts[0])
        seen[kind] += 1
        if kind[0] == "cheat" or kind[1] not in LONG or seen[kind] % 2:
            kept.append(case)
    return kept


def chosen(exercise: str, given: argparse.Namespace) -> list[ValidityCase]:
    """Give the cases that were asked for."""
    cases = brief(cases_of(exercise)) if given.brief else cases_of(exercise)
    return [
        case
        for case in cases
        if (not given.subset or f"{exercise}/{case.name}" in BOTH_ENGINES)
        and (not given.only or {case.name, f"{exercise}/{case.name}"} & set(given.only))
        and (not given.kind or kind_of(case) in given.kind)
    ]


# --- grading ---------------------------------------------------------------------------------


def run(course: Course, exercise: str, given: argparse.Namespace) -> list[Result]:
    """Grade the chosen cases of one exercise."""
    cases = [_quick(case, given.epochs) for case in chosen(exercise, given)]
    settings = Settings(secret=SECRET, engine=given.engine, jobs=given.jobs, trainer=given.trainer)
    out = given.out / exercise
    with Store(out / "grades") as store:
        room, _ = quickened(open_room("auto"))
        grader = Grader(course, room, store, settings)
        whole = [case for case in cases if not case.needs_weights]
        graded = grade(grader, whole, out / "handed-in")
        pasted = [case for case in cases if case.needs_weights]
        if pasted:
            weights = trained_weights(grader, exercise, out / "base", given.epochs)
            filled = [_with_weights(case, weights) for case in pasted]
            graded += grade(grader, filled, out / "handed-in")
    records = {one.submission.path.parent.name: one.records for one in graded}
    return [result_of(case, records[case.name]) for case in cases if case.name in records]


def _quick(case: ValidityCase, epochs: int | None) -> ValidityCase:
    if epochs is None:
        return case
    text = re.sub(r"\bepochs=(?:[2-9]\d|\d{3,})\b", f"epochs={epochs}", case.pieces.training)
    return replace(case, pieces=replace(case.pieces, training=text))


def grade(grader: Grader, cases: Sequence[ValidityCase], folder: Path) -> list[Graded]:
    """Write the notebooks and grade them through the real pipeline."""
    if not cases:
        return []
    for case in cases:
        write(case, folder)
    words = open_words(grader.course, "en")
    places = [folder / case.name for case in cases]
    collected = collect(places, exercise_ids=grader.course.exercises, owed=None)
    with ProgressLines(len(collected.submissions), words) as progress:
        return list(graded_as_done(grader, collected, progress, words))


def write(case: ValidityCase, folder: Path) -> None:
    """Write one notebook: FOLDER/NAME/EXERCISE.ipynb."""
    place = folder / case.name
    place.mkdir(parents=True, exist_ok=True)
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(case.pieces.cells)
    ]
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (place / f"{case.exercise}.ipynb").write_text(
        json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8"
    )


def trained_weights(grader: Grader, exercise: str, folder: Path, epochs: int | None) -> str:
    """Give the weights that the textbook notebook ends with, as text for a cell."""
    (textbook,) = (case for case in variants(exercise) if case.name == BASE)
    (graded,) = grade(grader, [_quick(textbook, epochs)], folder)
    (record,) = graded.records
    execution = grader.store.load_execution(record.execution_key)
    if execution is None or not execution.candidates:
        told = record.grade.checks[0].message if record.grade.checks else record.grade.verdict
        raise SystemExit(f"{exercise}: the textbook notebook left no weights to paste: {told}")
    final = execution.candidates[0].final
    buffer = io.BytesIO()
    np.savez(buffer, *final)
    return base64.b64encode(buffer.getvalue()).decode()


def _with_weights(case: ValidityCase, weights: str) -> ValidityCase:
    training = case.pieces.training.replace(WEIGHTS, weights)
    return replace(case, pieces=replace(case.pieces, training=training))


def result_of(case: ValidityCase, records: Sequence[Record]) -> Result:
    """Compare what came with what was expected."""
    (record,) = records
    return Result(
        case.name,
        case.exercise,
        kind_of(case),
        case.fault,
        expected(case, record),
        record.grade.verdict.value,
        case.hint,
        tuple(message.id for message in record.grade.hints),
        record.grade.flags,
        record.grade.score,
        record.seconds,
    )


def expected(case: ValidityCase, record: Record) -> tuple[str, ...]:
    """Give the verdicts that are right: what nobody can prove may wait, but no honest work."""
    asked = record.evidence is not None and record.evidence.proof is not None
    held = asked and kind_of(case) == "cheat" and Verdict.SUSPICIOUS.value in case.verdicts
    return (*case.verdicts, Verdict.WAITING.value) if held else case.verdicts


# --- counting --------------------------------------------------------------------------------


def misses(results: Iterable[Result]) -> list[Result]:
    """Give the cases with another verdict or another first hint than expected."""
    return [one for one in results if not one.right or one.named is False]


def summary(results: Sequence[Result]) -> dict[str, dict[str, int]]:
    """Count what went wrong, out of how many."""
    correct = [one for one in results if one.kind == "correct"]
    wrong = [one for one in results if one.kind in ("fault", "cheat")]
    hinted = [one for one in results if one.named is not None]
    return {
        "false_fail": _share(correct, [one for one in correct if one.got != "accepted"]),
        "false_pass": _share(
            wrong, [one for one in wrong if one.got == "accepted" and not one.right]
        ),
        "other_verdict": _share(
            wrong, [one for one in wrong if one.got != "accepted" and not one.right]
        ),
        "first_hint_right": _share(hinted, [one for one in hinted if one.named]),
    }


def _share(among: Sequence[Result], found: Sequence[Result]) -> dict[str, int]:
    return {"count": len(found), "of": len(among)}


def compared(results: Iterable[Result], others: Iterable[Path]) -> list[str]:
    """Print and give the cases whose verdict is another than in results kept before."""
    known = {
        (one["exercise"], one["name"]): one["got"]
        for path in others
        for one in json.loads(path.read_text(encoding="utf-8"))["cases"]
    }
    both = [one for one in results if (one.exercise, one.name) in known]
    differing = [
        f"{one.exercise}/{one.name}: {one.got}, not {known[one.exercise, one.name]}"
        for one in both
        if one.got != known[one.exercise, one.name]
    ]
    print(
        f"\nverdicts as before  {len(both) - len(differing):4} of {len(both)}",
        *differing,
        sep="\n  ",
    )
    return differing


def show(results: Sequence[Result], told: dict[str, dict[str, int]]) -> None:
    """Print the counts and every miss."""
    for name, share in told.items():
        print(f"{name:18} {share['count']:4} of {share['of']}")
    for one in misses(results):
        print(f"\n{one.exercise}/{one.name}: {one.fault or 'correct work'}")
        print(f"  verdict  {' or '.join(one.expected)}; got {one.got} {one.flags or ''}")
        print(f"  hint     {one.expected_hint or 'any'}; got {', '.join(one.hints) or 'none'}")


if __name__ == "__main__":
    raise SystemExit(main())
