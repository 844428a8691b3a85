"""Whatever makes grading faster leaves verdicts and scores as they are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader import environment
from grader.collect.collect import collect
from grader.course.load import find_course, load_course
from grader.pipeline.grader import Grader
from grader.pipeline.job import Settings
from grader.pipeline.runner import Stop, slots
from grader.pipeline.runners.local import LocalRunner
from grader.record.store import Store
from grader.room import Room, open_room, warmed
from grader.room.xla_cache import CompiledRoom, entries, filling
from grader.types import Engine, GraderError

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "reference" / "sequence-prediction" / "submissions"
NOTEBOOKS = ("accepted/textbook.ipynb", "wrong_data/last_input.ipynb")

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform != "linux", reason="Linux rooms")]


@dataclass(frozen=True)
class Outcome:
    """What must not depend on how fast it was found out."""

    verdict: str
    score: float | None
    metrics: dict[str, float]
    checks: tuple[tuple[str, float], ...]


def shortened(folder: Path) -> list[Path]:
    """Twelve epochs in place of a hundred: enough for all points, and for a difference to show."""
    paths = [folder / name for name in NOTEBOOKS]
    for path, name in zip(paths, NOTEBOOKS, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        source = (SAMPLES / name).read_text(encoding="utf-8")
        assert "epochs=100" in source
        path.write_text(source.replace("epochs=100", "epochs=12"), encoding="utf-8")
    return paths


def graded(room: Room, engine: str, out: Path) -> dict[str, Outcome]:
    course = load_course(find_course(ROOT))
    paths = shortened(out.parent / "handed-in")
    found = collect(paths, exercise_ids=course.exercises, owed=("sequence-prediction",))
    settings = Settings(secret=b"s" * 32, engine=engine, seed=3, jobs=1)
    with Store(out) as store:
        grader = Grader(course, room, store, settings)
        done = list(grader.grade_all(found.submissions, LocalRunner(slots(1), Stop())))
    return {
        record.submission: Outcome(
            record.grade.verdict.value,
            record.grade.score,
            dict(record.evidence.metrics) if record.evidence else {},
            tuple((check.id, check.points) for check in record.grade.checks),
        )
        for one in done
        for record in one.records
    }


@pytest.fixture(scope="module")
def cold() -> Room:
    try:
        return open_room("full")
    except GraderError:
        pytest.skip("no bubblewrap rooms on this machine")


@pytest.mark.parametrize(
    "engine",
    [
        # Twice as long, and what is kept compiled is JAX'; that verdicts agree is asked below.
        pytest.param(one, marks=[pytest.mark.whole] if one is Engine.TENSORFLOW else [])
        for one in environment.engines()
    ],
)
def test_warm_rooms_and_the_cache_change_no_score_and_no_metric(
    cold: Room, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    warm, trouble = warmed(cold)
    assert trouble is None
    with filling(cold) as compiling:
        graded(compiling, engine.value, tmp_path / "filled")
    from grader.room.xla_cache import cache_folder

    assert entries(cache_folder()) > 0
    plain = graded(cold, engine.value, tmp_path / "cold")
    assert {one.verdict for one in plain.values()} == {"accepted", "wrong_data"}
    assert graded(warm, engine.value, tmp_path / "warm") == plain
    assert graded(CompiledRoom(warm, cache_folder()), engine.value, tmp_path / "cached") == plain


def test_engines_agree_on_verdicts(cold: Room, tmp_path: Path) -> None:
    if len(environment.engines()) == 1:
        pytest.skip("one engine only")
    warm, _ = warmed(cold)
    found = [graded(warm, one.value, tmp_path / one.value) for one in environment.engines()]
    verdicts = [{name: one.verdict for name, one in each.items()} for each in found]
    assert all(one == verdicts[0] for one in verdicts), verdicts


def test_a_notebook_cannot_write_into_the_cache(cold: Room, tmp_path: Path) -> None:
    from tests.support.room_help import run_python

    folder = tmp_path / "compiled"
    folder.mkdir()
    (folder / "entry").write_text("as given")
    source = (
        "import os, json\n"
        "def tried(f, *a):\n  try: f(*a)\n  except OSError: return 0\n  return 1\n"
        "d = os.environ['JAX_COMPILATION_CACHE_DIR']\n"
        "print(json.dumps([tried(open, d + '/new', 'w'), tried(open, d + '/entry', 'a'),"
        " tried(os.unlink, d + '/entry')]))"
    )
    env = {"KERAS_BACKEND": "jax"}
    assert run_python(CompiledRoom(cold, folder), source, env=env).json == [0, 0, 0]
    assert (folder / "entry").read_text() == "as given"


def test_a_cache_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "entry").write_text("x")
    assert entries(tmp_path) == 1
    tmp_path.chmod(0o777)
    assert entries(tmp_path) == 0


def test_nothing_but_regular_files_is_copied_from_the_filling_room(
    cold: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from grader.room.xla_cache import cache_folder
    from tests.support.room_help import run_python

    with filling(cold) as room:
        source = (
            "import os, zlib; d = os.environ['JAX_COMPILATION_CACHE_DIR']\n"
            "open(d + '/a-cache', 'wb').write(zlib.compress(b'x'))\n"
            "os.symlink('/etc/shadow', d + '/b-cache')\n"
            "os.mkfifo(d + '/c-cache'); os.mkdir(d + '/d-cache')"
        )
        assert run_python(room, source, env={"KERAS_BACKEND": "jax"}).code == 0
    assert [path.name for path in cache_folder().iterdir()] == ["a-cache"]
    assert not (cache_folder() / "a-cache").stat().st_mode & 0o022
