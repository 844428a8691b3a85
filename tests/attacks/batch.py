"""Grades a batch of attacks among innocent neighbours with the real command line.

Enters: attacks, a person, an isolation level. Leaves: a Batch with everything that can be seen from
outside. Touches: starts ``grader grade`` under the keeper; a temporary folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.attacks.corpus import Attack
from tests.attacks.field import Field, laid_out
from tests.attacks.people import person

KEEPER = Path(__file__).with_name("keeper.py")
SECONDS = 1800
USUAL = {"timeout": 90, "memory": 2000}
LIMITS = {"limits": {"timeout": 25, "memory": 1500}}
READ_BY_MACHINES = ("table", "github", "junit")


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
    canaries: dict[str, str]
    files: dict[str, bytes]  # everything in OUT
    reports: dict[str, str]  # other formats, where names are the attack
    neighbours: tuple[str, ...]
    timeout: float
    trainer: bool = True  # our own room trained what notebooks asked for

    def result(self, student: str) -> dict[str, Any]:
        """What was printed about one student."""
        found = [one for one in self.results if one["student"] == student]
        names = [one["student"] for one in self.results]
        assert len(found) == 1, f"{len(found)} results of {student!r}, only {names}: {self.said}"
        return found[0]

    def kept(self, student: str) -> dict[str, bytes]:
        """The record and the execution that stand behind a student's result."""
        record = str(Path(self.result(student)["record"]))
        found = {path: data for path, data in self.files.items() if record.endswith(path)}
        for data in list(found.values()):
            key = json.loads(data)["record"]["execution_key"]
            folder = f"evidence/{key}/execution/"
            found |= {path: d for path, d in self.files.items() if path.startswith(folder)}
        return found


def run_batch(
    attacks: Iterable[Attack], who: str, isolation: str = "auto", *, trainer: bool = True
) -> Batch:
    """Grade the submissions of these attacks in one go; ``trainer``: our own room trains."""
    attacks = tuple(attacks)
    hostile = [one for attack in attacks for one in attack.submissions]
    group = attacks[0].group
    limits = LIMITS.get(group, USUAL)
    with (
        tempfile.TemporaryDirectory(prefix="rnn-field-") as folder,
        laid_out(Path(folder, "field"), person(who), hostile) as here,
    ):
        arguments = [f"--isolation={isolation}", *(f"--{k}={v}" for k, v in limits.items())]
        kept, out, said = grade(here, arguments, trainer=trainer)
        disturbed = tuple(here.disturbed())
        reports = _reports(here) if group == "names" else {}
        return Batch(
            group=group,
            code=kept["code"],
            results=_results(out, said),
            said=said,
            stdout=out,
            left=tuple(kept["left"]),
            processes=kept["processes"],
            megabytes=kept["megabytes"],
            disturbed=disturbed,
            canaries=here.canaries,
            files=_files(here.out),
            reports=reports,
            neighbours=tuple(here.neighbours),
            timeout=limits["timeout"],
            trainer=trainer and isolation != "none",  # in open rooms notebooks train by themselves
        )


def grade(
    here: Field, arguments: Iterable[str] = (), *, trainer: bool = True
) -> tuple[dict[str, Any], str, str]:
    """Run ``grader grade`` to its end; gives the keeper's report, standard output and error."""
    running = start(here, arguments, trainer=trainer)
    out, said = running.communicate(timeout=SECONDS + 60)
    return json.loads((here.place / "kept.json").read_text()), out, said


def start(
    here: Field, arguments: Iterable[str] = (), *, trainer: bool = True
) -> subprocess.Popen[str]:
    """Start ``grader grade`` under the keeper, in the folder that was handed in last.

    A pull request is checked out and graded right there, so its files are all around the grader.
    Without the trainer notebooks train by themselves, so that all is what a room tells of itself.
    """
    command = [
        *(sys.executable, "-I", str(KEEPER), str(here.place / "kept.json"), str(SECONDS)),
        *(*here.person.command, "grade", str(here.handed_in), *map(str, here.archives)),
        *("--out", str(here.out), "--format", "json", "--lang", "en", "--jobs", "2"),
        *("--trainer" if trainer else "--no-trainer", *arguments),
    ]
    return subprocess.Popen(
        command,
        env=here.environment(),
        cwd=here.around,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        umask=0o022,
    )


def cut_down(running: subprocess.Popen[str]) -> None:
    """End the grader itself by SIGKILL; the keeper lives on and looks what is left."""
    os.kill(running.pid, signal.SIGUSR1)


def _results(out: str, said: str) -> tuple[dict[str, Any], ...]:
    try:
        return tuple(strict_json(out)["results"])
    except ValueError as error:
        raise AssertionError(
            f"standard output is not one JSON object: {out[:300]}{said}"
        ) from error


def _files(out: Path) -> dict[str, bytes]:
    paths = (path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def _reports(here: Field) -> dict[str, str]:
    """What other formats print of the same results."""
    found = {}
    for form in READ_BY_MACHINES:
        command = (*here.person.command, "report", "--out", here.out, "--format", form)
        done = subprocess.run(
            [*map(str, command), "--lang", "en"],
            env=here.environment(),
            cwd=here.home,
            capture_output=True,
            text=True,
            check=False,
        )
        found[form] = done.stdout + done.stderr
    return found


def strict_json(text: str | bytes) -> Any:
    """Parse JSON as other programs do: without NaN and infinity."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)
