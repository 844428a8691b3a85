"""Whose trainings stand for the notebooks of kept results, and why some train by themselves.

    grader verify --trainer --out .verify
    python benchmarks/orders_or_claims.py .verify

Enters: folders of results. Leaves: Markdown: a line per record, and what they add up to. Touches:
reads those folders.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.execution import Training
from grader.record.store import Store
from grader.text.words import Words
from grader.types import Evidence, Record

PROVEN, REACHED, WAITS, LOST = "ours", "done again", "waits", "claimed"
NOT_ASKED, NOTHING = "not asked", "no training"


@dataclass(frozen=True)
class Line:
    """One record: what stands for its training, and its run's fits by who did them."""

    exercise: str
    name: str
    verdict: str
    score: float | None
    waiting: float
    stands: str
    ours: int
    here: int
    why: str


def stands(evidence: Evidence | None, waiting: float) -> str:
    """Say what stands for the training of a model."""
    if evidence is None or evidence.training is None:
        return NOTHING
    if evidence.proof is None:
        return NOT_ASKED
    if evidence.proof.proven:
        return PROVEN
    if waiting:
        return WAITS
    again = evidence.proof.repeated
    return REACHED if again is not None and again.why is None else LOST


def line_of(record: Record, trainings: Sequence[Training], words: Words) -> Line:
    """Tell of one record, and of the fits of its run."""
    found = record.evidence
    proof = found.proof if found is not None else None
    return Line(
        record.exercise,
        record.submission,
        record.grade.verdict.value,
        record.grade.score,
        record.grade.waiting,
        stands(found, record.grade.waiting),
        sum(bool(one.key) for one in trainings),
        sum(not one.key for one in trainings),
        words.say(proof.why) if proof is not None and proof.why is not None else "",
    )


def lines_of(out: Path, words: Words) -> Iterator[Line]:
    """Tell of all results that a folder keeps, the newest of each."""
    with Store(out) as store:
        for record in store.latest():
            ran = store.load_execution(record.execution_key)
            yield line_of(record, (ran and ran.trainings) or (), words)


def table(lines: Iterable[Line]) -> Iterator[str]:
    """Write them down."""
    heads = (
        "exercise",
        "notebook",
        "verdict",
        "score",
        "waiting",
        "stands for it",
        "fits: ours, own",
    )
    yield f"| {' | '.join((*heads, 'why'))} |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in sorted(lines, key=lambda line: (line.exercise, line.name)):
        score = "–" if one.score is None else f"{one.score:g}"
        fits = f"{one.ours}, {one.here}"
        cells = (one.exercise, one.name, one.verdict, score, f"{one.waiting:g}", one.stands, fits)
        yield f"| {' | '.join((*cells, one.why.replace('|', '/')))} |"


def counted(lines: Sequence[Line]) -> Iterator[str]:
    """Add them up."""
    for what, count in Counter(one.stands for one in lines).most_common():
        yield f"{what}: {count} of {len(lines)}"
    yield f"fits: {sum(one.ours for one in lines)} ours, {sum(one.here for one in lines)} their own"
    for why, count in Counter(one.why for one in lines if one.why).most_common():
        yield f"  {count} x {why}"


def main() -> None:
    """Print the table and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", nargs="+", type=Path, help="folders of results")
    words = Words("en")
    lines = [line for out in parser.parse_args().out for line in lines_of(out, words)]
    print(*table(lines), "", *counted(lines), sep="\n")


if __name__ == "__main__":
    main()
