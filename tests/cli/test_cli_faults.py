"""What is wrong on the user's side is told as that, with what to do; never as a fault of ours."""

from __future__ import annotations

import ast
import os
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import grader.__main__
from grader.cli import calibrate, doctor, errors
from grader.course.load import load_course
from grader.room import choose
from grader.text.words import Words
from grader.types import Engine, GraderError, Level
from tests.support.cli_help import ROOT, Shell

FAULT = "a fault of the grader"


class TestPlaces:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "a file"
        path.write_text("x")
        return path

    @pytest.mark.parametrize("within", ["", "x", "x/y"])
    def test_a_release_to_where_a_file_lies_is_refused(
        self, shell: Shell, file: Path, within: str
    ) -> None:
        said = shell("release", file / within, "--lang", "en")
        assert said.code == 2
        assert "a file" in said.line
        assert FAULT not in said.line

    def test_a_release_to_a_place_that_cannot_be_made_is_refused(self, shell: Shell) -> None:
        said = shell("release", "/proc/nothing/bundle", "--lang", "en")
        assert said.code == 2
        assert "/proc/nothing" in said.line
        assert FAULT not in said.line

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_release_to_a_closed_folder_is_refused(self, shell: Shell, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        said = shell("release", tmp_path / "bundle", "--lang", "en")
        tmp_path.chmod(0o700)
        assert said.code == 2
        assert "bundle" in said.line

    @pytest.mark.parametrize(
        "arguments", [("release", "/somewhere/x"), ("calibrate", "--plot=/somewhere")]
    )
    def test_a_path_that_was_named_is_theirs(self, arguments: tuple[str, ...]) -> None:
        assert errors._their_path(PermissionError(13, "no", "/somewhere"), arguments)

    @pytest.mark.parametrize("filename", ["/", "/elsewhere/x", None])
    def test_any_other_is_ours(self, filename: str | None) -> None:
        error = PermissionError(13, "no", filename)
        assert errors._their_path(error, ["release", "/somewhere/x"]) is None


class TestPackages:
    def test_every_extra_that_is_named_brings_its_package(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        extras = project["optional-dependencies"]
        called = {
            "pynvml": "nvidia-ml-py",
            "sklearn": "scikit-learn",
            "jupyter_client": "jupyter-client",
        }
        by_others = {"keras": "tensorflow", "jaxlib": "jax"}

        def brought(extra: str) -> set[str]:
            names = {one.partition(">")[0].partition("[")[0] for one in extras[extra]}
            nested = [one for one in extras if f"rnn-grader[{one}]" in extras[extra]]
            return names.union(*map(brought, nested))

        for package, extra in errors.EXTRAS.items():
            bringing = by_others.get(package, package)
            assert called.get(bringing, bringing) in brought(extra), package
        assert {called.get(one, one) for one in errors.OF_COMMANDS} <= brought("student")

    @pytest.mark.parametrize(
        ("package", "told"),
        [
            ("scipy", "rnn-grader[grading]"),
            ("jax", "rnn-grader[jax]"),
            ("rich", "rnn-grader[student]"),
            ("konlpy", "pip install konlpy"),
        ],
    )
    def test_a_missing_package_names_what_brings_it(
        self, monkeypatch: pytest.MonkeyPatch, capfd: Any, package: str, told: str
    ) -> None:
        monkeypatch.setattr("sys.argv", ["grader", "list", "--lang", "en"])
        with pytest.raises(SystemExit) as end, errors.told_in_one_line():
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        said = capfd.readouterr().err
        assert end.value.code == 3
        assert told in said
        assert FAULT not in said

    def test_calibration_misses_its_packages_before_it_trains(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calibrate.importlib.util, "find_spec", lambda _: None)
        with pytest.raises(ModuleNotFoundError) as caught:
            calibrate.require(Engine.JAX, ("scipy",))
        assert caught.value.name == "scipy"

    def test_calibration_misses_its_engine_before_it_trains(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calibrate.environment, "engines", lambda: (Engine.TENSORFLOW,))
        with pytest.raises(GraderError) as caught:
            calibrate.require(Engine.JAX, ())
        assert caught.value.message.args == {"engine": "jax", "extra": "jax", "there": "tensorflow"}


class TestPython:
    def test_an_older_python_is_told_in_both_languages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.version_info", (3, 9, 2))
        with pytest.raises(SystemExit) as end:
            grader.__main__.main()
        english, korean = str(end.value.code).splitlines()
        assert "3.9" in english
        assert "3.11" in english
        assert "Python 3.9입니다" in korean

    @pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
    def test_an_older_python_can_read_what_tells_it(self, name: str) -> None:
        source = (ROOT / "grader" / name).read_text("utf-8")
        ast.parse(source, feature_version=(3, 8))


class TestHelp:
    @pytest.mark.parametrize("command", [(), ("grade",), ("export",), ("data",), ("data", "list")])
    def test_h_is_help(self, shell: Shell, command: tuple[str, ...]) -> None:
        short, long = shell(*command, "-h"), shell(*command, "--help")
        assert (short.code, short.out) == (0, long.out)
        assert "Usage" in short.out


class TestDoctor:
    @pytest.fixture
    def quiet(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without rooms: their self-test is a test of its own."""
        from grader.room.spec import LayerReport

        reports = (
            LayerReport("full", "network", True),
            LayerReport("reduced", "start", False),
            LayerReport("none", "processes", False),
        )
        room = SimpleNamespace(isolation=SimpleNamespace(level=Level.FULL))
        monkeypatch.setattr("grader.room.probe", lambda: reports)
        monkeypatch.setattr("grader.room.open_room", lambda _: room)

    @pytest.mark.usefixtures("quiet")
    def test_levels_that_are_not_in_use_show_no_crosses(self, shell: Shell) -> None:
        assert "✗" not in shell("doctor", "--lang", "en").out
        assert "✗" in shell("doctor", "--all", "--lang", "en").out

    @pytest.mark.usefixtures("quiet")
    @pytest.mark.parametrize(
        ("lang", "told"),
        [
            ("en", ("Course:", "Memory:", "Disk:", "Course secret:", "Data sets:", "Python")),
            ("ko", ("강의:", "메모리:", "디스크:", "강의 비밀 키:", "데이터 세트:", "Python")),
        ],
    )
    def test_it_tells_of_all_that_grading_needs(
        self, shell: Shell, lang: str, told: tuple[str, ...]
    ) -> None:
        said = shell("doctor", "--lang", lang)
        assert said.code == 0
        assert [one for one in told if one not in said.out] == []

    @pytest.mark.usefixtures("quiet")
    def test_without_a_course_the_machine_is_told_all_the_same(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GRADER_COURSE", str(tmp_path))
        said = shell("doctor", "--lang", "en")
        assert said.code == 0
        assert "Course: none" in said.out
        assert "Memory:" in said.out

    @pytest.mark.usefixtures("quiet")
    def test_the_secret_is_looked_at_and_never_made(self, shell: Shell, tmp_path: Path) -> None:
        assert "none yet" in shell("doctor", "--lang", "en").out
        secret = tmp_path / "secret"
        assert not secret.exists()
        secret.write_text("x" * 64)
        secret.chmod(0o644)
        assert "chmod 600" in shell("doctor", "--lang", "en").out
        secret.chmod(0o600)
        assert "Keep a copy" in shell("doctor", "--lang", "en").out
        secret.write_text("short")
        assert "secret" in shell("doctor", "--lang", "en").out

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_without_proc_it_says_what_is_missing_and_what_to_do(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lang: str
    ) -> None:
        def unread() -> float:
            raise FileNotFoundError(2, "No such file or directory", "/proc/meminfo")

        monkeypatch.setattr(doctor.environment, "free_mb", unread)
        monkeypatch.setattr(choose, "PROC", tmp_path / "proc")
        choose._test.cache_clear()
        try:
            said = shell("doctor", "--lang", lang)
        finally:
            choose._test.cache_clear()
        told = Words(lang)("room.no_proc")
        assert (said.code, said.line) == (2, f"grader: {told}")
        assert Words(lang)("doctor.no_memory", error="/proc/meminfo") in said.out
        assert [level for level in Level if f"\n{level.value} " not in said.out] == []
        assert said.out.count("start: ") == len(Level)

    def test_little_memory_and_disk_say_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor.environment, "free_mb", lambda: 5000.0)
        monkeypatch.setattr(doctor.environment, "cores", lambda: tuple(range(8)))
        assert any("--jobs 1" in line for line in doctor._memory(Words("en")))
        usage = type("usage", (), {"free": 100 << 20})
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage)
        assert any("only 100 MB" in line for line in doctor._disk(Words("en")))

    @pytest.mark.parametrize(
        ("asks", "level", "installed", "said"),
        [
            (False, Level.FULL, tuple(Engine), "by each notebook itself"),
            (True, Level.FULL, tuple(Engine), "by the grader itself"),
            (True, Level.REDUCED, tuple(Engine), "by the grader itself"),
            (True, Level.NONE, tuple(Engine), "without isolation"),
            (True, Level.FULL, (Engine.TENSORFLOW,), "needs jax"),
        ],
    )
    def test_it_says_who_trains_and_why_it_is_not_the_grader(
        self,
        monkeypatch: pytest.MonkeyPatch,
        asks: bool,
        level: Level,
        installed: tuple[Engine, ...],
        said: str,
    ) -> None:
        monkeypatch.setattr(doctor.environment, "engines", lambda: installed)
        course = replace(load_course(ROOT), asks_trainer=asks)
        assert said in doctor._trainings(course, level, Words("en"))
