"""What is said where trainings could be faster: once, before the batch or after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader import environment
from grader.cli import course, doctor, grade, prepare
from grader.room.xla_cache import CompiledRoom
from grader.text.words import Words
from grader.trainer import building, kernels
from grader.trainer.kernels import Kernel, Kernels
from grader.types import Engine, Isolation, Level, Message
from tests.cli.test_cli_grade import broken_batch
from tests.support.cli_help import NoRoom, Shell
from tests.support.homes import a_file

OWN_LOOPS = "trained by Keras' own loops"


@pytest.fixture
def shell(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A course whose trainings are the grader's."""
    shell.without_rooms()
    opened = grade.course_to_grade_with
    monkeypatch.setattr(
        grade, "course_to_grade_with", lambda *said: replace(opened(*said), asks_trainer=True)
    )
    monkeypatch.setattr(environment, "engines", lambda: (Engine.JAX, Engine.TENSORFLOW))
    return shell


def looking(monkeypatch: pytest.MonkeyPatch, *found: Kernel | Message) -> None:
    """Have the batch find these, one after the other; the last one again and again."""
    left = list(found)
    used = Kernels(lambda: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr(grade, "HERE", used)


def test_a_batch_without_a_kernel_says_so_once(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking(monkeypatch, Message("kernel.none"))
    said = shell.grade(broken_batch(tmp_path / "class", ["kim", "lee"]))
    assert said.err.count(OWN_LOOPS) == 1
    assert "grader prepare" in said.err


def test_a_kernel_that_fails_in_the_batch_is_told_after_it(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Message("kernel.failed", {"why": "code -4"})
    looking(monkeypatch, Kernel(tmp_path, "avx2 0"), failed)
    said = shell.grade(broken_batch(tmp_path / "class", ["kim", "lee"]))
    assert said.err.count(OWN_LOOPS) == 1
    assert "code -4" in said.err


def test_a_training_that_the_kernel_failed_over_is_told_after_it_once(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking(monkeypatch, Kernel(tmp_path, "avx2 0"))
    grade.HERE.failed("an order", Message("kernel.failed", {"why": "code -4"}))
    said = shell.grade(broken_batch(tmp_path / "class", ["kim", "lee"]))
    assert said.err.count("code -4") == 1
    assert OWN_LOOPS not in said.err


def test_a_batch_that_has_one_or_trains_in_the_notebook_says_nothing(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = broken_batch(tmp_path / "class", ["kim"])
    looking(monkeypatch, Kernel(tmp_path, "avx2 0"))
    assert OWN_LOOPS not in shell.grade(batch).err
    looking(monkeypatch, Message("kernel.none"))
    assert OWN_LOOPS not in shell.grade(batch, "--engine", "jax").err
    assert OWN_LOOPS not in shell.grade(batch, "--no-trainer").err


@pytest.mark.parametrize(
    ("installed", "level", "options", "told"),
    [
        ((Engine.TENSORFLOW,), Level.FULL, (), "needs jax, which is not installed"),
        ((Engine.TENSORFLOW,), Level.FULL, ("--no-trainer",), ""),
        (tuple(Engine), Level.NONE, (), "without isolation a notebook could"),
        (tuple(Engine), Level.NONE, ("--engine", "jax"), ""),
        (tuple(Engine), Level.FULL, ("--engine", "jax", "--trainer"), "Leave it out, or"),
    ],
)
def test_where_notebooks_have_to_train_by_themselves_that_is_said_once(
    shell: Shell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: tuple[Engine, ...],
    level: Level,
    options: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setattr(environment, "engines", lambda: installed)
    monkeypatch.setattr(NoRoom, "isolation", Isolation(level, ("filesystem",)))
    said = shell.grade(broken_batch(tmp_path / "class", ["kim", "lee"]), *options).err
    assert said.count("train by themselves") == (1 if told else 0)
    assert told in said


@pytest.mark.parametrize("dropped", [0, 3])
def test_compiled_programs_that_were_damaged_are_told_once(
    dropped: int, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking(monkeypatch, Kernel(tmp_path, "avx2 0"))
    monkeypatch.setattr(
        grade, "quickened", lambda room: (CompiledRoom(room, tmp_path, dropped=dropped), None)
    )
    said = shell.grade(broken_batch(tmp_path / "class", ["kim", "lee"]))
    assert said.err.count(f"have been removed: {dropped}") == (1 if dropped else 0)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_prepare_says_what_became_of_the_kernel_and_goes_on(
    lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("GRADER_SIGNING_KEY_FILE", str(tmp_path / "signing.key"))
    monkeypatch.setattr(environment, "engines", lambda: (Engine.JAX,))
    monkeypatch.setattr(environment, "missing", lambda _: ())
    monkeypatch.setattr(prepare, "open_room", lambda *_: NoRoom())
    monkeypatch.setattr("grader.calibration.compiling.fill", lambda *_: iter(()))
    for built, message in (
        (Message("kernel.no_compiler"), Message("kernel.no_compiler")),
        (Kernel(tmp_path, "avx2 0"), Message("kernel.built", {"version": "avx2 0"})),
    ):
        monkeypatch.setattr(building, "build", lambda *_, built=built: built)
        assert prepare.run_prepare(lang) == 0
        *_, last = capsys.readouterr().out.splitlines()
        assert last == Words(lang).say(message)


class TestPrepareTheKernelAlone:
    """As where the grader is set up: nothing else is done, and nothing that fails stops it."""

    @pytest.fixture
    def nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def must_not(*_: object) -> None:
            raise AssertionError("only the kernel was asked for")

        monkeypatch.setattr(prepare, "install", must_not)
        monkeypatch.setattr(prepare.signing, "make_key", must_not)
        monkeypatch.setattr("grader.calibration.compiling.fill", must_not)
        monkeypatch.setattr(prepare, "open_room", lambda *_: NoRoom())

    @pytest.mark.usefixtures("nothing_else")
    @pytest.mark.parametrize(
        ("built", "told"),
        [
            (Kernel(Path("x"), "avx2 0"), "built and checked (avx2 0)"),
            (Message("kernel.no_compiler"), "there is no C++ compiler here"),
            (Message("kernel.not_built", {"why": "no space left"}), "no space left"),
        ],
    )
    def test_what_became_of_it_is_one_line(
        self,
        built: Kernel | Message,
        told: str,
        monkeypatch: pytest.MonkeyPatch,
        capfd: Any,
        tmp_path: Path,
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setattr(building, "build", lambda *_: built)
        said = Shell(monkeypatch, capfd, tmp_path)("prepare", "--kernel", "--lang", "en")
        assert said.code == 0
        (line,) = said.out.splitlines()
        assert told in line

    @pytest.mark.usefixtures("nothing_else")
    def test_no_course_is_needed(
        self, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(course, "PACKAGE", tmp_path / "environment" / "grader")
        monkeypatch.setattr(building, "build", lambda *_: Kernel(Path("x"), "avx2 0"))
        shell = Shell(monkeypatch, capfd, tmp_path)
        monkeypatch.delenv("GRADER_COURSE")
        monkeypatch.chdir(tmp_path)
        said = shell("prepare", "--kernel", "--lang", "en")
        assert (said.code, "built and checked" in said.out) == (0, True)

    @pytest.mark.usefixtures("nothing_else")
    def test_without_jax_there_is_nothing_to_build(
        self, monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(environment, "engines", lambda: (Engine.TENSORFLOW,))
        said = Shell(monkeypatch, capfd, tmp_path)("prepare", "--kernel", "--lang", "en")
        assert said.code == 0
        assert "JAX" in said.out


@pytest.mark.parametrize(
    ("found", "obstacle", "said"),
    [
        (Kernel(Path("x"), "avx2 0123"), None, ["avx2 0123"]),
        (Message("kernel.none"), None, ["grader prepare builds it"]),
        (Message("kernel.none"), Message("kernel.no_headers"), ["grader prepare", "jaxlib anew"]),
        (Message("kernel.no_gain"), Message("kernel.no_gain"), ["no AVX2"]),
    ],
)
def test_the_doctor_says_whether_there_is_a_kernel_and_why_not(
    monkeypatch: pytest.MonkeyPatch,
    found: Kernel | Message,
    obstacle: Message | None,
    said: list[str],
) -> None:
    monkeypatch.setattr(kernels, "find", lambda: found)
    monkeypatch.setattr(building, "obstacle", lambda: obstacle)
    monkeypatch.setattr(environment, "engines", lambda: (Engine.JAX,))
    lines = [*doctor._kernel(Words("en"))]
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))
    monkeypatch.setattr(environment, "engines", lambda: (Engine.TENSORFLOW,))
    (line,) = doctor._kernel(Words("en"))
    assert "JAX" in line


class TestAHomeThatKeepsNothing:
    """Nothing fails, and it is said once."""

    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        a_file(tmp_path, monkeypatch)

    def test_a_batch_says_so_once(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looking(monkeypatch, Kernel(tmp_path, "avx2 0"))
        batch = broken_batch(tmp_path / "class", ["kim", "lee"])
        said = shell.grade(batch).err
        assert said.count("cannot be kept in") == 1
        assert "Not a directory" in said

    def test_who_trains_nothing_keeps_nothing_and_hears_nothing(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looking(monkeypatch, Kernel(tmp_path, "avx2 0"))
        batch = broken_batch(tmp_path / "class", ["kim"])
        assert "cannot be kept" not in shell.grade(batch, "--no-trainer").err

    @pytest.mark.parametrize("arguments", [("--kernel",), ()])
    def test_prepare_compiles_nothing_says_why_and_goes_on(
        self,
        arguments: tuple[str, ...],
        shell: Shell,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        def must_not(*_: object) -> None:
            raise AssertionError("it could not be kept")

        monkeypatch.setenv("GRADER_SIGNING_KEY_FILE", str(tmp_path / "signing.key"))
        monkeypatch.setattr(environment, "missing", lambda _: ())
        monkeypatch.setattr(building, "build", must_not)
        monkeypatch.setattr("grader.calibration.compiling.fill", must_not)
        said = shell("prepare", *arguments, "--lang", "en")
        assert said.code == 0
        assert said.err == ""
        assert "cannot be kept" in said.out.splitlines()[-1]
