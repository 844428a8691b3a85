"""A class through the real grader: four bad notebooks, nobody else harmed, nothing lost.

Thirty with ``--whole``; twelve without it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = ROOT / "reference/sequence-prediction/submissions/accepted/textbook.ipynb"
EXERCISE = "sequence-prediction"
ENDLESS = "multiplication-gru"  # what the endless notebook is handed in for
ENDS_AFTER = 10  # seconds; a sound notebook has its exercise's own limit, on a busy machine too
MEMORY = ("--memory", "1500")

pytestmark = pytest.mark.real


def _notebook(*sources: str) -> str:
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells))


BAD = {
    "loops": ("time_limit", _notebook("while True:\n    pass")),
    "eats": (
        "memory_limit",
        _notebook("hoard = []\nwhile True:\n    hoard.append(bytearray(50_000_000))"),
    ),
    "kills": (
        "runtime_error",
        _notebook("import signal\nsignal.raise_signal(signal.SIGKILL)"),
    ),
    "notjson": ("malformed", "this is not a notebook"),
}


def _own_copy(number: int) -> str:
    """A sound notebook that is no copy of anybody's: the same code would be run once for all."""
    notebook = json.loads(SOUND.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[-1]["source"] = [*code[-1]["source"], f"\nnumber = {number}"]
    return json.dumps(notebook)


@pytest.fixture
def sound(whole: bool) -> int:
    """How many sound notebooks there are."""
    return 26 if whole else 8


@pytest.fixture
def handed_in(tmp_path: Path, sound: int) -> Path:
    """The sound notebooks and four bad ones, one folder per student."""
    folder = tmp_path / "class"
    texts = {f"student{n:02d}": _own_copy(n) for n in range(sound)}
    texts |= {name: text for name, (_, text) in BAD.items()}
    for student, text in texts.items():
        place = folder / student
        place.mkdir(parents=True)
        exercise = ENDLESS if student == "loops" else EXERCISE
        (place / f"{exercise}.ipynb").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course, with little time for the exercise of the endless notebook."""
    course = tmp_path / "course"
    shutil.copytree(
        ROOT / "reference", course / "reference", ignore=shutil.ignore_patterns("submissions")
    )
    (course / "assignments").symlink_to(ROOT / "assignments")
    spec = course / "reference" / ENDLESS / "spec.toml"
    text = spec.read_text(encoding="utf-8")
    assert text.count("[limits]\n") == 1
    limits = f"[limits]\ntimeout = {ENDS_AFTER}\n"
    spec.write_text(text.replace("[limits]\n", limits), encoding="utf-8")
    return course


def _command(folder: Path, out: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "grader", "grade", str(folder), "--out", str(out)),
        *("--format", "json", "--lang", "en", *MEMORY),
    ]


def _environment(tmp_path: Path, course: Path = ROOT) -> dict[str, str]:
    return {
        **os.environ,
        "GRADER_COURSE": str(course),
        "GRADER_SECRET_FILE": str(tmp_path / "secret"),
    }


def _grade(
    folder: Path, out: Path, tmp_path: Path, course: Path
) -> tuple[int, list[dict[str, object]], str]:
    done = subprocess.run(
        _command(folder, out),
        env=_environment(tmp_path, course),
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    return done.returncode, json.loads(done.stdout)["results"], done.stderr


def _verdicts(results: list[dict[str, object]]) -> dict[object, object]:
    return {one["student"]: one["verdict"] for one in results}


def _check_class(results: list[dict[str, object]], sound: int) -> None:
    assert len(results) == sound + len(BAD)
    verdicts = _verdicts(results)
    for student, (verdict, _) in BAD.items():
        assert verdicts[student] == verdict, student
    assert Counter(verdicts.values())["accepted"] == sound
    assert all(one["score"] == 100 for one in results if one["verdict"] == "accepted")


def test_four_bad_notebooks_harm_nobody_and_a_killed_grader_loses_nothing(
    handed_in: Path, sound: int, course: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    others = set(_leftovers())
    killed = subprocess.Popen(
        _command(handed_in, out),
        env=_environment(tmp_path, course),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 1800
    while len(list(out.glob("results/*/record.json"))) < sound // 2:
        assert killed.poll() is None, "the grader ended before half of the class was graded"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    finished = {path: path.read_bytes() for path in out.glob("evidence/*/execution/about.json")}
    assert finished
    recorded = [json.loads(path.read_text()) for path in out.glob("results/*/record.json")]
    faults = [one for one in recorded if one["record"]["grade"]["verdict"] == "grader_error"]
    assert not faults, f"a fault of the grader's own: {faults}"

    code, results, said = _grade(handed_in, out, tmp_path, course)

    assert code == 1, said
    _check_class(results, sound)
    assert said.count("not run again") == len(recorded), said
    for path, content in finished.items():
        assert path.read_bytes() == content, "a run that had finished was run again"
    # Rooms of tests beside this one may be seen just before they are gone.
    deadline = time.monotonic() + 300
    while not set(_leftovers()) <= others:
        assert time.monotonic() < deadline, "a room outlived its grader"
        time.sleep(0.2)

    again_code, again, said = _grade(handed_in, out, tmp_path, course)
    assert again_code == 1
    assert _verdicts(again) == _verdicts(results)
    # The same table, in the same order, whichever was done first this time.
    assert [(one["student"], one["score"]) for one in again] == [
        (one["student"], one["score"]) for one in results
    ]
    assert said.count("not run again") == sound + len(BAD)


def _leftovers() -> list[str]:
    """Command lines of rooms whose starter is gone."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        if "/grader/kernel/start.py" in command and parent == 1:
            found.append(f"{process.name} {command}")
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="cores are pinned on Linux")
def test_a_fork_bomb_on_the_graders_only_core_ends_in_time(tmp_path: Path) -> None:
    place = tmp_path / "class" / "bomber"
    place.mkdir(parents=True)
    bomb = _notebook(
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError: pass"
    )
    (place / f"{EXERCISE}.ipynb").write_text(bomb, encoding="utf-8")
    on_one_core = "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    on_one_core += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [*_command(tmp_path / "class", tmp_path / "out"), "--timeout", str(ENDS_AFTER)]
    done = subprocess.run(
        [sys.executable, "-c", on_one_core, *command[1:]],
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,  # ten of its own; it was twenty minutes while memory was looked at to the end
    )
    (result,) = json.loads(done.stdout)["results"]
    assert result["verdict"] in {"time_limit", "memory_limit", "runtime_error"}
    assert result["score"] == 0
