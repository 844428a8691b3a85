"""A student's own check: friendly, without the instructor's half, and leaving nothing behind."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from grader.authoring.public import written_public
from grader.cli import check
from grader.cli import course as course_module
from grader.cli.check import show, told_of
from grader.cli.check_fast import fast_look, right_so_far
from grader.cli.check_whole import sound, whole_look
from grader.cli.course import course_to_check_with
from grader.collect.collect import Collected, collect
from grader.collect.people import LOOSE
from grader.course.exercises import Course
from grader.course.families import Looks
from grader.course.load import load_course
from grader.course.looking import looks_at
from grader.course.public import public_half
from grader.report import wording
from grader.submission import Cell, Notebook
from grader.text.words import LANGUAGES, Words
from grader.types import Check, GraderError, Message, Record, Scalar, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT
from tests.support.notebook_files import notebook, write

WORDS = Words("en")
ASKED: dict[str, Scalar] = {"run": 0, "needed": 10, "asked": 100}  # epochs
HINT = Message("diagnose.units", {"number": 1, "layer": "LSTM", "expected": 30, "got": 10})


def shown(*records: Record, width: int = 80, monkeypatch: pytest.MonkeyPatch) -> str:
    console = Console(width=width, file=io.StringIO(), markup=False, force_terminal=False)
    monkeypatch.setattr(check, "console", lambda: console)
    show(records, WORDS, {"multiplication-lstm": "The [b]title[/b]"})
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def wrong() -> Record:
    told = Message("structure.layer", {"number": 1, "expected": "LSTM(30)", "got": "GRU(30)"})
    checks = (
        b.check("runs.cells", 10, 10, Message("runs.all", {"cells": 9})),
        b.check("structure.layer-1", 0, 35, told, cell=6),
        b.check("accuracy.mse", 0, 25, Message("accuracy.never_fitted")),
    )
    return b.record(grade=b.grade(Verdict.WRONG_ARCHITECTURE, 10.0, checks, (HINT,)))


class TestText:
    def test_what_is_right_and_what_is_wrong_is_marked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = shown(wrong(), monkeypatch=monkeypatch).splitlines()
        assert any(line.strip().startswith("✓ All code cells") for line in lines)
        assert any(line.strip().startswith("✗ cell 6: Layer 1 should be") for line in lines)
        assert any(line.strip().startswith("→") for line in lines)
        assert all(len(line) <= 80 for line in lines)

    def test_what_only_the_instructor_can_judge_is_not_said(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = shown(wrong(), monkeypatch=monkeypatch)
        assert WORDS("accuracy.never_fitted")[:30] not in said
        assert "/100" not in said

    def test_what_nobody_looked_at_is_neither_right_nor_wrong(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = (
            b.check("structure.layer-1", 35, 35),
            b.check("structure.own", 0, 0, Message("live.own_checks")),
            b.check("data.unlooked", 0, 0, Message("live.data_unasked")),
        )
        record = b.record(grade=b.grade(Verdict.ACCEPTED, 35.0, checks))
        lines = [line.strip() for line in shown(record, monkeypatch=monkeypatch).splitlines()]
        assert [line[:1] for line in lines if line[1:2] == " "] == ["✓", "–", "–"]
        assert sound(record)

    def test_titles_are_not_read_as_markup(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "The [b]title[/b]" in shown(wrong(), monkeypatch=monkeypatch)

    def test_a_sound_notebook_is_ready(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert WORDS("cli.check_sound") in shown(b.record(), width=200, monkeypatch=monkeypatch)

    def fewer(self) -> Record:
        args = {"run": 10, "needed": 10, "asked": 100}
        checks = (
            b.check("structure.layer-1", 35, 35),
            b.check("training.epochs", 15, 15, Message("training.epochs_fewer", args)),
        )
        return b.record(grade=b.grade(Verdict.ACCEPTED, 50.0, checks))

    @pytest.mark.parametrize("lang", ["en", "ko"])
    def test_fewer_epochs_are_ready_only_where_accuracy_earns_no_points(
        self, lang: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        words, record = Words(lang), self.fewer()
        said = {}
        for apart in ((), (record.exercise,)):
            console = Console(width=400, file=io.StringIO(), markup=False, force_terminal=False)
            monkeypatch.setattr(check, "console", lambda console=console: console)
            show([record], words, {}, whole_look(apart))
            said[apart] = console.file.getvalue()  # type: ignore[attr-defined]
            assert whole_look(apart).right(record) is (not apart)
        ready, waits = said.values()
        hint = words.say(Message("live.epochs_left", {"asked": 100}))
        for told, there in ((words("cli.check_sound"), ready), (hint, waits)):
            assert told in there
        for told in (words("cli.check_sound"), words("verdict.accepted")):
            assert told not in waits
        assert words("cli.check_accuracy_left") in waits
        assert words("cli.check_accuracy_left") not in ready

    def marks(self, *checks: Check, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        record = b.record(grade=b.grade(Verdict.NO_MODEL, 0.0, checks))
        lines = [line.strip() for line in shown(record, monkeypatch=monkeypatch).splitlines()]
        return [line[:1] for line in lines if line[1:2] == " "]

    @pytest.mark.parametrize(
        ("structure", "marks"),
        [
            ("structure.no_model", ["–", "○", "○", "○"]),  # as in the notebook: not attempted yet
            ("structure.no_known_exercise", ["–", "✗", "–", "–"]),
        ],
    )
    def test_what_is_not_attempted_or_cannot_be_judged_is_not_called_wrong(
        self, structure: str, marks: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = (
            b.check("runs.cells", 0, 10, Message("runs.no_model", {"cells": 9})),
            b.check("structure.layers", 0, 35, Message(structure)),
            b.check("data.fit", 0, 15, Message("data.no_model")),
            b.check("training.weights", 0, 15, Message("training.no_model")),
        )
        assert self.marks(*checks, monkeypatch=monkeypatch) == marks

    def test_a_model_without_a_fit_is_not_attempted_yet(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = (
            b.check("structure.layers", 35, 35),
            b.check("data.fit", 0, 15, Message("data.no_fit")),
            b.check("training.weights", 0, 15, Message("training.never_fitted")),
        )
        assert self.marks(*checks, monkeypatch=monkeypatch) == ["✓", "○", "○"]

    def test_how_cells_are_counted_is_said_once_where_one_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = WORDS("cli.check_cells")
        assert shown(wrong(), wrong(), width=200, monkeypatch=monkeypatch).count(told) == 1
        assert told not in shown(b.record(), width=200, monkeypatch=monkeypatch)

    @pytest.mark.parametrize(
        ("lang", "told"),
        [("en", "notebook shows: cell 6, In [14]."), ("ko", "번호: 6번 셀, In [14].")],
    )
    def test_the_number_that_stands_beside_a_cell_is_told(
        self, lang: str, told: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record = wrong()
        cells = (Cell(5, "a", saved=13), Cell(6, "b", saved=14), Cell(7, "c", saved=15))
        for saved, there in ((cells, True), ((Cell(6, "b"),), False), (cells * 2, False)):
            console = Console(width=200, file=io.StringIO(), markup=False, force_terminal=False)
            monkeypatch.setattr(check, "console", lambda at=console: at)
            notebooks = {record.submission: Notebook(saved, None, "")}
            show([record], Words(lang), {}, notebooks=notebooks)
            assert (told in console.file.getvalue()) is there  # type: ignore[attr-defined]

    def test_a_notebook_that_cannot_be_read_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = b.check("runs.readable", 0, 100, Message("collect.empty_file"))
        broken = b.record(evidence=None, grade=b.grade(Verdict.MALFORMED, 0.0, (told,)))
        assert "✗ The file is empty." in shown(broken, monkeypatch=monkeypatch)

    def test_a_failing_cell_beside_a_sound_model_is_not_ready(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checks = (b.check("runs.cells", 8, 10), b.check("structure.layer-1", 35, 35))
        record = b.record(grade=b.grade(Verdict.ACCEPTED, 98.0, checks))
        assert not sound(record)
        text = shown(record, monkeypatch=monkeypatch)
        assert "[b]title[/b]: a cell still fails" in text
        assert "Accepted" not in text
        assert "Not ready yet" in text


class TestFast:
    """Without training: what can be told, and no word about what cannot."""

    def said(
        self,
        record: Record,
        monkeypatch: pytest.MonkeyPatch,
        words: Words = WORDS,
        apart: tuple[str, ...] = (),
    ) -> str:
        console = Console(width=400, file=io.StringIO(), markup=False, force_terminal=False)
        monkeypatch.setattr(check, "console", lambda: console)
        show([record], words, {}, fast_look(apart))
        return str(console.file.getvalue())  # type: ignore[attr-defined]

    def untrained(self, **training: object) -> Record:
        exercise = load_course(ROOT).exercises["multiplication-lstm"]
        facts = replace(b.training((1.0,)), epochs=1, **training)
        evidence = b.sound(exercise, data=(), training=facts)
        checks = (
            b.check("runs.cells", 10, 10, Message("runs.all", {"cells": 9})),
            b.check("structure.layer-1", 35, 35),
            b.check("data.fit", 0, 15, Message("data.no_fit")),
            b.check("training.epochs", 0, 15, Message("training.no_epochs", ASKED)),
        )
        grade = b.grade(Verdict.UNTRAINED, 45.0, checks, (HINT,))
        return b.record(evidence=evidence, grade=grade)

    def test_what_was_not_trained_is_not_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        record = self.untrained(epochs_asked=100)
        said = self.said(record, monkeypatch)
        assert right_so_far(record)
        assert "✗" not in said
        assert "→" not in said
        assert WORDS.say(Message("training.no_epochs", ASKED)) not in said
        assert "Epochs in fit: 100. Epochs asked for: 100 (at least 10)." in said
        assert WORDS("cli.check_fast_sound") in said
        assert wording.verdict_name(record, WORDS) not in said

    def test_a_fit_that_is_not_there_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = f"{WORDS('cli.fast_no_fit')} Epochs asked for: 100 (at least 10)."
        assert told in self.said(self.untrained(fits=0), monkeypatch)

    def test_of_a_notebook_without_any_exercise_nobody_knows_what_is_asked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        evidence = b.evidence("unknown", model=None, data=(), training=None)
        record = b.record(evidence=evidence, grade=b.grade(Verdict.NO_MODEL, 0.0, ()))
        said = self.said(record, monkeypatch)
        assert f"○ {WORDS('cli.fast_no_fit')}\n" in said.replace("   ", "").replace(" \n", "\n")

    @pytest.mark.parametrize(
        ("epochs", "fits", "apart", "advised"),
        [
            (2, 1, (), True),  # fewer than earn all points for training
            (30, 1, (), False),
            (30, 1, ("multiplication-lstm",), True),  # accuracy earns points, too
            (100, 1, ("multiplication-lstm",), False),
            (2, 3, (), False),  # nobody knows what the other fits ask for
        ],
    )
    def test_fewer_epochs_than_are_wanted_are_told_before_the_training(
        self,
        epochs: int,
        fits: int,
        apart: tuple[str, ...],
        advised: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        record = self.untrained(epochs_asked=epochs, fits=fits)
        said = self.said(record, monkeypatch, apart=apart)
        assert ("→ Before you hand in, ask fit for all of them: epochs=100." in said) is advised
        assert right_so_far(record)

    def test_a_wrong_layer_is_wrong_and_advice_is_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert not right_so_far(wrong())
        said = self.said(wrong(), monkeypatch)
        assert "✗ cell 6: Layer 1 should be" in said
        assert "→" in said
        assert WORDS("cli.check_fast_not_yet") in said

    def test_a_file_that_cannot_be_read_is_no_success(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = b.check("runs.readable", 0, 100, Message("collect.empty_file"))
        broken = b.record(evidence=None, grade=b.grade(Verdict.MALFORMED, 0.0, (told,)))
        assert not right_so_far(broken)
        assert "✗ The file is empty." in self.said(broken, monkeypatch)


class TestFilesBeside:
    def test_what_a_teacher_asks_a_class_is_not_told(self, tmp_path: Path) -> None:
        for name in ("multiplication-lstm.ipynb", "multiplication-lstm-kim.ipynb"):
            write(tmp_path / name)
        (tmp_path / "notes.pdf").write_bytes(b"x")
        found = collect([tmp_path], exercise_ids={"multiplication-lstm"}, owed=None)
        assert [one.id for one in found.notes] == [LOOSE]
        assert not list(told_of(found))

    def test_what_was_not_looked_at_is_told(self) -> None:
        refused, note = Message("collect.unreadable"), Message("collect.unlabelled")
        told = told_of(Collected((), refused=(refused,), notes=(note, Message(LOOSE))))
        assert list(told) == [refused, note]


class TestPublicHalf:
    def test_nothing_of_the_instructors_is_left(self) -> None:
        course = public_half(load_course(ROOT))
        for exercise in course.exercises.values():
            assert exercise.family is None
            assert exercise.expectation is None
            assert exercise.reference_path is None
            assert not exercise.hints
            assert not exercise.data

    def test_what_is_asked_stays(self) -> None:
        whole = load_course(ROOT)
        for key, exercise in public_half(whole).exercises.items():
            assert exercise.layers == whole.exercises[key].layers

    def test_which_exercises_earn_points_by_accuracy_stays_known(self) -> None:
        exercises = public_half(load_course(ROOT)).exercises
        told = {key for key in exercises if exercises[key].earns_by_accuracy}
        assert "multiplication-lstm" in told
        assert not told & {"sequence-prediction", "multiplication-simple-rnn"}


class TestWhichCourse:
    """The one that it is started in or that is named; around a notebook, less of it is taken."""

    ASKED = "assignments/multiplication-lstm/exercise.toml"

    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Started outside any course, by a grader that lies beside none."""
        (tmp_path / "home").mkdir()
        monkeypatch.chdir(tmp_path / "home")
        monkeypatch.delenv("GRADER_COURSE", raising=False)
        monkeypatch.setattr(course_module, "PACKAGE", tmp_path / "site" / "grader")

    def course(self, folder: Path) -> Path:
        """Make a course as students have it; gives a notebook in it."""
        (folder / self.ASKED).parent.mkdir(parents=True)
        shutil.copy(ROOT / self.ASKED, folder / self.ASKED)
        return write((folder / self.ASKED).with_name("mine.ipynb"), notebook("x = 1"))

    def looked(self, place: Path, *paths: Path, own: bool = True) -> tuple[Course, Looks | Message]:
        course = course_to_check_with(paths, place, own=own)
        return course, looks_at(course, course.exercises["multiplication-lstm"])

    def test_code_from_around_a_notebook_is_not_taken_and_that_is_the_reason_told(
        self, tmp_path: Path
    ) -> None:
        mine = self.course(tmp_path / "course")
        public = tmp_path / "course" / "grader_course"
        (public / "families").mkdir(parents=True)
        (public / "families/multiplication.py").write_text("raise SystemExit('ran')")
        (public / "course.json").write_text("{}")
        course, found = self.looked(tmp_path / "made", mine)
        assert (course.root, course.public) == (tmp_path / "course", None)
        assert found == Message("live.data_outside")
        said = wording.is_unlooked(b.check("data.unlooked", 0, 0, Message("live.data_outside")))
        assert said

    def test_nor_from_a_folder_that_is_handed_in_in_which_it_is_started(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.course(tmp_path / "course")
        (tmp_path / "course" / "grader_course").mkdir()
        (tmp_path / "course" / "grader_course" / "course.json").write_text("{}")
        monkeypatch.chdir(tmp_path / "course")
        course, found = self.looked(tmp_path / "made", tmp_path / "course", own=False)
        assert (course.root, course.public) == (tmp_path / "course", None)
        assert found == Message("live.data_handed_in")
        assert wording.is_unlooked(b.check("data.unlooked", 0, 0, found))
        for lang in LANGUAGES:
            said = Words(lang).say(found)
            assert "GRADER_COURSE" in said
            assert Words(lang)("live.data_outside") != said

    def test_where_students_have_nothing_that_looks_at_data_it_is_as_ever(
        self, tmp_path: Path
    ) -> None:
        mine = self.course(tmp_path / "course")
        assert self.looked(tmp_path / "made", mine)[1] == Message("live.data_unasked")

    def test_of_several_notebooks_any_may_lie_in_a_course(self, tmp_path: Path) -> None:
        mine = self.course(tmp_path / "course")
        alone = write(tmp_path / "home" / "alone.ipynb", notebook("x = 1"))
        course, _ = self.looked(tmp_path / "made", alone, mine)
        assert course.root == tmp_path / "course"

    def test_where_there_is_none_what_to_ask_for_is_said(self, tmp_path: Path) -> None:
        alone = write(tmp_path / "home" / "alone.ipynb", notebook("x = 1"))
        with pytest.raises(GraderError) as caught:
            self.looked(tmp_path / "made", alone)
        assert caught.value.message == Message("cli.check_no_course")

    def test_a_fault_of_the_course_around_is_told(self, tmp_path: Path) -> None:
        mine = self.course(tmp_path / "course")
        (tmp_path / "course" / "course.toml").write_text("language = [")
        with pytest.raises(GraderError) as caught:
            self.looked(tmp_path / "made", mine)
        assert "course.toml" in str(caught.value.message.args)


@pytest.mark.real
class TestReal:
    """In a folder as students have it."""

    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Path:
        folder = tmp_path / "course"
        shutil.copytree(ROOT / "assignments", folder / "assignments")
        written_public(load_course(ROOT), folder)
        return folder

    def check(self, bundle: Path, *names: str) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if k != "GRADER_COURSE"}
        return subprocess.run(
            [sys.executable, "-m", "grader", "check", *names, "--lang", "en"],
            cwd=bundle,
            env={**environment, "HOME": str(bundle.parent / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def test_a_broken_notebook_is_told_what_to_change_and_its_training_alone_is_kept(
        self, bundle: Path
    ) -> None:
        sample = "sequence-prediction/submissions/wrong_architecture/five_units.ipynb"
        shutil.copy(ROOT / "reference" / sample, bundle / "mine.ipynb")
        before = sorted(bundle.rglob("*"))
        done = self.check(bundle, "mine.ipynb")
        assert done.returncode == 1, done.stderr
        assert "✗ cell" in done.stdout
        assert "SimpleRNN(10" in done.stdout
        assert "✓ Epochs trained: 100." in done.stdout
        assert "→" in done.stdout
        assert sorted(bundle.rglob("*")) == before
        home = bundle.parent / "home"
        kept = {path.parent.relative_to(home) for path in home.rglob("*") if path.is_file()}
        assert kept <= {Path(".cache/rnn-grader/trained")}, "so that the next check need not wait"

    def test_the_instructors_half_next_door_changes_no_word(
        self, bundle: Path, tmp_path: Path
    ) -> None:
        write(bundle / "sequence-prediction.ipynb", notebook("x = 1"))
        alone = self.check(bundle, "sequence-prediction.ipynb")
        (bundle / "reference").symlink_to(ROOT / "reference")
        beside = self.check(bundle, "sequence-prediction.ipynb")
        assert alone.returncode == beside.returncode == 1
        assert alone.stdout == beside.stdout

    def test_without_training_later_cells_are_seen_and_nothing_is_called_wrong_for_it(
        self, bundle: Path
    ) -> None:
        """The last cell asks for a loss of every epoch: no error, though one step was taken."""
        (bundle / "course.toml").write_text('exercises = ["sequence-prediction"]\n')
        write(
            bundle / "mine.ipynb",
            notebook(
                "import numpy as np\nimport tensorflow as tf\nk = tf.keras.layers",
                "model = tf.keras.Sequential([k.Input((4, 1)), k.SimpleRNN(10), k.Dense(1)])\n"
                "model.compile('adam', 'mse')",
                "x = np.arange(40.0).reshape(10, 4, 1) / 40\n"
                "history = model.fit(x, x[:, -1], epochs=100, validation_split=0.2)",
                "assert len(history.history['val_loss']) == len(history.epoch) == 100",
            ),
        )
        done = self.check(bundle, "mine.ipynb", "--fast")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "✗" not in done.stdout
        assert "Epochs in fit: 100. Epochs asked for: 100 (at least 10)." in done.stdout
        assert "Not known without training" in done.stdout
