"""Grades a batch of attacks among innocent neighbours with the real command line.

Enters: attacks, a person, an isolation level. Leaves: a Batch with everything that can be seen from
outside. Touches: starts ``grader grade`` under the keeper; a temporary folder.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacks.corpus import Attack, Hostile
from attacks.field import Field, laid_out
from attacks.people import person

KEEPER = Path(__file__).with_name("keeper.py")
BREACH = "BREACH"
SECONDS = 900
USUAL = ("--timeout", "60", "--memory", "2000")
LIMITS = {"limits": ("--timeout", "25", "--memory", "1500")}


@dataclass(frozen=True)
class Batch:
    """What became of one batch."""

    group: str
    code: int
    results: tuple[dict[str, Any], ...]
    said: str  # standard error
    stdout: str
    left: tuple[str, ...]
    processes: int
    megabytes: int
    disturbed: tuple[str, ...]
    leaks: tuple[str, ...]
    loose_numbers: tuple[str, ...]  # files that are no strict JSON
    transcripts: dict[str, str]  # student → everything that was kept of the run
    written: dict[str, int]  # student → bytes kept of the run
    neighbours: tuple[str, ...]
    names: frozenset[str]  # of every file in OUT
    table: tuple[tuple[str, ...], ...]  # grades.csv

    def result(self, student: str) -> dict[str, Any]:
        """What was printed about one student."""
        found = [one for one in self.results if one["student"] == student]
        assert len(found) == 1, f"{len(found)} results of {student}: {self.said}"
        return found[0]


def run_batch(attacks: Iterable[Attack], who: str, isolation: str = "auto", *more: str) -> Batch:
    """Grade the submissions of these attacks in one go."""
    attacks = tuple(attacks)
    hostile = [one for attack in attacks for one in attack.submissions]
    group = attacks[0].group
    with tempfile.TemporaryDirectory(prefix="rnn-field-") as folder:
        place = Path(folder, "field")
        with laid_out(place, person(who), hostile) as here:
            arguments = ("--isolation", isolation, *LIMITS.get(group, USUAL), *more)
            kept, out, said = grade(here, arguments)
            return _seen(here, group, kept, out, said)


def grade(here: Field, arguments: Iterable[str] = ()) -> tuple[dict[str, Any], str, str]:
    """Run ``grader grade`` to its end; gives the keeper's report, standard output and error."""
    running = start(here, arguments)
    out, said = running.communicate(timeout=SECONDS + 60)
    return json.loads((here.place / "kept.json").read_text()), out, said


def start(here: Field, arguments: Iterable[str] = ()) -> subprocess.Popen[str]:
    """Start ``grader grade`` under the keeper."""
    command = [
        *(sys.executable, "-I", str(KEEPER), str(here.place / "kept.json"), str(SECONDS)),
        *(*here.person.command, "grade", str(here.handed_in), *map(str, here.archives)),
        *("--out", str(here.out), "--format", "json", "--lang", "en", "--jobs", "2", *arguments),
    ]
    return subprocess.Popen(
        command,
        env=here.environment(),
        cwd=here.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        umask=0o022,
    )


def cut_down(running: subprocess.Popen[str]) -> None:
    """End the grader itself by SIGKILL; the keeper lives on and looks what is left."""
    os.kill(running.pid, signal.SIGUSR1)


def _seen(here: Field, group: str, kept: dict[str, Any], out: str, said: str) -> Batch:
    try:
        results = tuple(strict_json(out)["results"])
    except ValueError as error:
        raise AssertionError(
            f"standard output is not one JSON object: {out[:300]}{said}"
        ) from error
    files = {path: path.read_bytes() for path in here.out.rglob("*") if path.is_file()}
    transcripts = {one["student"]: _kept_of(here, one, files) for one in results}
    return Batch(
        group=group,
        code=kept["code"],
        results=results,
        said=said,
        stdout=out,
        left=tuple(kept["left"]),
        processes=kept["processes"],
        megabytes=kept["megabytes"],
        disturbed=tuple(here.disturbed()),
        leaks=tuple(_leaks(here, files, out + said)),
        loose_numbers=tuple(_loose(files)),
        transcripts={who: "\n".join(texts.values()) for who, texts in transcripts.items()},
        written={who: sum(map(len, texts.values())) for who, texts in transcripts.items()},
        neighbours=tuple(here.neighbours),
        names=frozenset(path.name for path in files),
        table=tuple(_table(files)),
    )


def strict_json(text: str | bytes) -> Any:
    """Parse JSON as other programs do: without NaN and infinity."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)


def _kept_of(here: Field, result: dict[str, Any], files: dict[Path, bytes]) -> dict[str, str]:
    """The record and the execution that stand behind a result, as text."""
    record = Path(result["record"])
    key = json.loads(files[record])["record"]["execution_key"] if record in files else ""
    folder = here.out / "evidence" / key / "execution"
    found = [path for path in files if path == record or path.parent == folder]
    return {str(path): files[path].decode("utf-8", "replace") for path in found}


def _leaks(here: Field, files: dict[Path, bytes], said: str) -> Iterator[str]:
    for where, word in here.canaries.items():
        for path, content in files.items():
            if word.encode() in content:
                yield f"{where}: in {path.relative_to(here.out)}"
        if word in said:
            yield f"{where}: said"


def _loose(files: dict[Path, bytes]) -> Iterator[str]:
    for path, content in files.items():
        if path.suffix == ".json":
            try:
                strict_json(content)
            except ValueError as error:
                yield f"{path.name}: {error}"


def _table(files: dict[Path, bytes]) -> Iterator[tuple[str, ...]]:
    for path, content in files.items():
        if path.name == "grades.csv":
            yield from map(tuple, csv.reader(content.decode("utf-8-sig").splitlines()))


# --- judging ---------------------------------------------------------------------------------


def complaints(batch: Batch, one: Hostile) -> list[str]:
    """Everything that is not as expected about one hostile submission; empty where it held."""
    result = batch.result(one.student)
    kept = batch.transcripts[one.student]
    told = []
    if result["verdict"] not in one.verdicts:
        expected = " or ".join(one.verdicts)
        told.append(f"verdict {result['verdict']}, expected {expected}: {_reason(result)}")
    if one.score is not None and result["score"] != one.score:
        told.append(f"score {result['score']}, expected {one.score}")
    if one.flags is not None and sorted(result["flags"]) != sorted(one.flags):
        told.append(f"flags {result['flags']}, expected {list(one.flags)}")
    if result["seconds"] > one.seconds:
        told.append(f"took {result['seconds']} s, at most {one.seconds} expected")
    told += [f"the attack did not run: no {word!r}" for word in one.seen if word not in kept]
    told += [f"found in what was kept: {word!r}" for word in one.absent if word in kept]
    told += [line[:300] for line in kept.replace("\\n", "\n").splitlines() if BREACH in line]
    return told


def disturbances(batch: Batch) -> list[str]:
    """What the batch did to others; empty where nobody was harmed."""
    told = [f"leaked: {leak}" for leak in batch.leaks]
    told += [f"left running: {command}" for command in batch.left]
    told += list(batch.disturbed)
    told += [f"not strict: {name}" for name in batch.loose_numbers]
    for student in batch.neighbours:
        result = batch.result(student)
        if (result["verdict"], result["score"]) != ("accepted", 100):
            told.append(f"harmed: {student} got {result['verdict']}: {_reason(result)}")
    return told


def _reason(result: dict[str, Any]) -> str:
    lost = [one["message"] for one in result["checks"] if one["points"] < one["max_points"]]
    return "; ".join(lost or [one["message"] for one in result["checks"]][:1])[:2000]
