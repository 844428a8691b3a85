"""A family's module is executed once as long as its file does not change, whoever asks for it."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from grader.course.families import load_family
from grader.types import GraderError

# Leaves a line each time it is executed, and takes long enough for threads to meet.
SOURCE = """
import time
from dataclasses import dataclass
from pathlib import Path

with Path(__file__).with_suffix(".log").open("a") as log:
    log.write("executed\\n")
time.sleep(0.05)
ANSWER = {answer}

@dataclass(frozen=True)
class Pair:
    first: "int"
"""


def write(reference: Path, answer: object, name: str = "counted") -> Path:
    path = reference / "families" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SOURCE.format(answer=answer))
    return path


def load(reference: Path, name: str = "counted") -> Any:
    return cast("Any", load_family(reference, name))


def executions(path: Path) -> int:
    return len(path.with_suffix(".log").read_text().splitlines())


def test_a_family_is_executed_once(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    assert load(tmp_path) is load(tmp_path)
    assert executions(path) == 1


def test_threads_share_one_execution(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load(tmp_path), range(16)))
    assert len(found) == executions(path) == 1


def test_a_changed_file_is_loaded_anew_though_size_and_time_are_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    before, status = load(tmp_path), path.stat()
    write(tmp_path, 2)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (before.ANSWER, load(tmp_path).ANSWER) == (1, 2)
    assert before.ANSWER == 1


def test_a_changed_file_leaves_the_modules_in_use_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, 1)
    before = load(tmp_path)
    write(tmp_path, 2)
    load(tmp_path)
    assert sys.modules[before.__name__] is before
    assert before.Pair.__module__ == before.__name__


def test_two_courses_families_of_one_name_are_two(tmp_path: Path) -> None:
    for answer in (1, 2):
        write(tmp_path / str(answer), answer)
    first, second = (load(tmp_path / str(answer)) for answer in (1, 2))
    assert (first.ANSWER, second.ANSWER) == (1, 2)
    assert first.__name__ != second.__name__


def test_two_files_of_the_same_content_know_their_own_path(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, 1) for name in ("a", "b")]
    assert [Path(load(tmp_path / name).__file__) for name in ("a", "b")] == paths


def test_a_broken_family_leaves_nothing_behind_and_loads_once_it_is_repaired(
    tmp_path: Path,
) -> None:
    write(tmp_path, "1 / 0")
    before = set(sys.modules)
    for _ in range(2):
        with pytest.raises(GraderError) as caught:
            load(tmp_path)
        assert caught.value.message.id == "course.broken_family"
        assert "ZeroDivisionError" in str(caught.value.message.args["error"])
    assert not {name for name in set(sys.modules) - before if "counted" in name}
    write(tmp_path, 3)
    assert load(tmp_path).ANSWER == 3


def test_loading_writes_nothing_beside_the_family(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    load(tmp_path)
    assert {one.name for one in path.parent.iterdir()} == {path.name, "counted.log"}


def test_one_that_leaves_the_program_is_refused_as_a_broken_one(tmp_path: Path) -> None:
    path = write(tmp_path, 1)
    path.write_text("import sys\nsys.exit('no data today')\n")
    with pytest.raises(GraderError) as refusal:
        load(tmp_path)
    assert refusal.value.message.id == "course.broken_family"
    assert "no data today" in str(refusal.value.message.args["error"])
