"""Official grades are signed, and ``grader verify-record`` tells anybody whether one is genuine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader import seeds
from grader.ci.statement import statement
from grader.cli import ci, signing
from grader.course.load import load_course
from grader.pipeline import job
from grader.pipeline.grader import Graded, Grader
from grader.pipeline.job import Settings
from grader.record.signing import make_key, signed
from grader.submission import Submission
from grader.text.words import Words
from grader.types import ByHand, Message, Proof, Verdict
from tests.support import builders as b
from tests.support.cli_help import ROOT, NoRoom, Shell
from tests.support.notebook_files import notebook, raw

GOOD = raw(notebook("x = 1"))
SETTINGS = Settings(b"x" * 32)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "mine.ipynb"
    path.parent.mkdir()
    path.write_bytes(GOOD)
    return path


def graded(shell: Shell, work: Path, make: Any, *more: object) -> list[Path]:
    """Grade as a student called kim; gives the signed records."""

    def done(_: Any, collected: Any, *__: Any) -> Iterator[Graded]:
        for one in collected.submissions:
            yield Graded(one, (make(one),))

    shell.monkeypatch.setattr(ci, "graded_as_done", done)
    shell(
        *("ci", work, "--student", "kim", "--sign", "--no-structure-first", "--out", shell.out),
        *("--lang", "en", *more),
    )
    return sorted((shell.out / "signed").glob("*.json")) if shell.out.is_dir() else []


def accepted(one: Submission) -> Any:
    return b.record(one.student, submission=one.name, key=b.key_of(one.name))


@pytest.fixture
def record(shell: Shell, work: Path, tmp_path: Path) -> Path:
    make_key(tmp_path / "signing-key")
    (made,) = graded(shell, work, accepted)
    return made


def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "published.pub"
    path.write_text(make_key(tmp_path / "signing-key") + "\n")
    return path


class TestSigning:
    def test_without_a_key_nothing_is_signed_and_it_says_who_makes_one(
        self, shell: Shell, work: Path
    ) -> None:
        shell.monkeypatch.setattr(ci, "graded_as_done", lambda *_: iter(()))
        said = shell("ci", work, "--student", "kim", "--sign", "--out", shell.out, "--lang", "en")
        assert said.code == 2
        assert "grader prepare" in said.err.splitlines()[-1]

    def test_public_checks_are_no_grade_to_sign(self, shell: Shell, work: Path) -> None:
        said = shell("ci", work, "--student", "kim", "--sign", "--public", "--lang", "en")
        assert (said.code, "--public gives none" in said.line) == (2, True)

    def test_what_is_ungraded_is_not_signed(self, shell: Shell, work: Path, tmp_path: Path) -> None:
        make_key(tmp_path / "signing-key")
        assert (
            graded(shell, work, lambda one: replace(b.ungraded("kim"), submission=one.name)) == []
        )

    def test_what_a_teacher_decided_is_not_the_graders_to_sign(
        self, shell: Shell, work: Path, tmp_path: Path
    ) -> None:
        make_key(tmp_path / "signing-key")
        found = b.record("kim", submission="mine")
        one = Submission("mine", "kim", work, None, None, None, "d" * 64)
        decided = replace(found, by_hand=ByHand(found.grade, None))
        course = load_course(ROOT)
        assert signing.sign([decided], [one], course, SETTINGS, shell.out, {}) == 0
        assert signing.sign([found], [one], course, SETTINGS, shell.out, {}) == 1

    def test_it_names_what_the_grade_depends_on_and_nothing_that_foretells_hidden_data(
        self, record: Path, work: Path
    ) -> None:
        import hashlib

        text = record.read_text("utf-8")
        told = json.loads(text)["statement"]
        assert told["notebook"] == hashlib.sha256(work.read_bytes()).hexdigest()
        assert (told["student"], told["verdict"], told["score"]) == ("kim", "accepted", 100.0)
        assert all(told["course"].values())
        assert len(told["grader"]["code"]) == 64
        course, secret = load_course(ROOT), seeds.course_secret()
        assert str(seeds.hidden_seed(secret, told["exercise"])) not in text
        assert secret.hex() not in text
        assert b.key_of("mine.ipynb")[:9] not in text
        assert course.exercise(told["exercise"]) is not None

    def test_another_expectation_is_another_statement(self, work: Path, tmp_path: Path) -> None:
        from tests.support.course_help import course_of

        course = course_of(tmp_path / "course", "multiplication-lstm")
        one = Submission("mine", "kim", work, None, None, None, "d" * 64)
        told = [statement(b.record(), one, course, SETTINGS, {})]
        path = course.root / "reference/multiplication-lstm/expected.json"
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")
        told.append(statement(b.record(), one, course, SETTINGS, {}))
        assert told[0]["course"] != told[1]["course"]
        assert {k: v for k, v in told[0].items() if k != "course"} == {
            k: v for k, v in told[1].items() if k != "course"
        }


class TestVerifying:
    def test_anybody_with_the_public_key_is_told_what_it_says(
        self, shell: Shell, record: Path, tmp_path: Path
    ) -> None:
        public = make_key(tmp_path / "signing-key")
        for key in (public, key_file(tmp_path)):
            said = shell("verify-record", record, "--key", key, "--lang", "en")
            assert said.code == 0, said
            assert said.out.startswith("Genuine")
            assert "student: kim" in said.out

    def test_it_needs_neither_a_course_nor_a_secret(
        self, shell: Shell, record: Path, tmp_path: Path
    ) -> None:
        key = key_file(tmp_path)
        shell.monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "nowhere"))
        shell.monkeypatch.setenv("GRADER_SECRET_FILE", str(tmp_path / "no" / "secret"))
        assert shell("verify-record", record, "--key", key, "--lang", "ko").code == 0
        assert not (tmp_path / "no").exists()

    def test_a_changed_score_is_not_believed(
        self, shell: Shell, record: Path, tmp_path: Path
    ) -> None:
        told = json.loads(record.read_text("utf-8"))
        told["statement"]["score"] = 12.5
        record.write_text(json.dumps(told), "utf-8")
        said = shell("verify-record", record, "--key", key_file(tmp_path), "--lang", "en")
        assert (said.code, said.out.startswith("Not genuine")) == (1, True)

    def test_a_record_of_a_forgers_own_key_is_not_believed(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        forger = tmp_path / "forger"
        make_key(forger)
        path = tmp_path / "forged.json"
        path.write_bytes(signed({"student": "kim", "score": 100.0}, forger))
        said = shell("verify-record", path, "--key", key_file(tmp_path), "--lang", "en")
        assert (said.code, "another key" in said.out) == (1, True)

    def test_without_a_published_key_it_does_not_take_the_one_in_the_file(
        self, shell: Shell, record: Path
    ) -> None:
        said = shell("verify-record", record, "--lang", "en")
        assert (said.code, "--key" in said.line) == (2, True)

    def test_it_says_whether_it_is_about_this_notebook(
        self, shell: Shell, record: Path, work: Path, tmp_path: Path
    ) -> None:
        key = key_file(tmp_path)
        same = shell("verify-record", record, "--key", key, "--notebook", work, "--lang", "en")
        assert (same.code, "this very notebook" in same.out) == (0, True)
        work.write_bytes(GOOD + b"\n")
        other = shell("verify-record", record, "--key", key, "--notebook", work, "--lang", "en")
        assert (other.code, "another notebook" in other.out) == (1, True)

    def test_where_only_students_files_are_it_cannot_be_graded_again(
        self, shell: Shell, record: Path, work: Path, tmp_path: Path
    ) -> None:
        """What is looked at there is less than what the record is about: it would look forged."""
        copied = tmp_path / "students" / "assignments" / "multiplication-lstm"
        copied.mkdir(parents=True)
        asked = ROOT / "assignments/multiplication-lstm/exercise.toml"
        (copied / "exercise.toml").write_bytes(asked.read_bytes())
        shell.monkeypatch.setenv("GRADER_COURSE", str(tmp_path / "students"))
        key = key_file(tmp_path)
        line = ("verify-record", record, "--key", key, "--notebook", work, "--rerun")
        said = shell(*line, "--lang", "en")
        assert (said.code, "instructor's side" in said.line) == (2, True)

    @pytest.mark.parametrize(("score", "code"), [(100.0, 0), (40.0, 1)])
    def test_graded_again_it_is_compared(
        self, shell: Shell, record: Path, work: Path, tmp_path: Path, score: float, code: int
    ) -> None:
        verdict = Verdict.ACCEPTED if score > 50 else Verdict.WRONG_DATA
        again = b.record("kim", grade=b.grade(verdict, score))
        shell.monkeypatch.setattr(signing, "_graded", lambda *_: again)
        said = shell(
            *("verify-record", record, "--key", key_file(tmp_path)),
            *("--notebook", work, "--rerun", "--lang", "en"),
        )
        assert (said.code, "Graded again" in said.out) == (code, True)


class TestRunAsThen:
    """What was asked of the run is in the record, and a rerun asks for it again."""

    @pytest.fixture(autouse=True)
    def able(self, shell: Shell, tmp_path: Path) -> None:
        """The grader's own room could train here, and no room is opened."""
        make_key(tmp_path / "signing-key")
        shell.monkeypatch.setattr(job, "no_trainer", lambda _: None)
        shell.monkeypatch.setattr(signing, "no_trainer", lambda _: None)
        shell.monkeypatch.setattr(signing, "open_room", lambda *_: NoRoom())

    def rerun(
        self, shell: Shell, record: Path, work: Path, tmp_path: Path, make: Any = accepted
    ) -> tuple[Grader, str]:
        """Verify with --rerun; gives what would have graded, and what was said."""
        seen: list[Grader] = []

        def done(grader: Grader, collected: Any, *_: Any) -> Iterator[Graded]:
            seen.append(grader)
            for one in collected.submissions:
                yield Graded(one, (make(one),))

        shell.monkeypatch.setattr(signing, "graded_as_done", done)
        line = ("verify-record", record, "--key", key_file(tmp_path), "--notebook", work)
        said = shell(*line, "--rerun", "--lang", "en")
        assert said.code == 0, said
        (grader,) = seen
        return grader, said.out

    @pytest.mark.parametrize(("option", "trained"), [("--trainer", True), ("--no-trainer", False)])
    def test_who_trained_trains_again_whatever_the_course_says_by_then(
        self, shell: Shell, work: Path, tmp_path: Path, option: str, *, trained: bool
    ) -> None:
        (record,) = graded(shell, work, accepted, option)
        told = json.loads(record.read_text("utf-8"))["statement"]["run"]
        assert told["trainings"] == ("trainer" if trained else "notebook")
        grader, said = self.rerun(shell, record, work, tmp_path)
        assert grader.settings.wants_trainer(replace(grader.course, asks_trainer=not trained)) is (
            trained
        )
        assert "does not say" not in said

    @pytest.mark.parametrize("asks", [True, False])
    def test_what_the_course_said_then_is_in_the_record(self, *, asks: bool) -> None:
        course = replace(load_course(ROOT), asks_trainer=asks)
        one = Submission("mine", "kim", Path("x"), None, None, None, "d" * 64)
        told = statement(b.record(), one, course, SETTINGS, {})["run"]
        assert told == {
            "trainings": "trainer" if asks else "notebook",
            "engine": "auto",
            "profile": "laptop",
            "timeout": None,
            "device": "cpu",
            "trained_on": None,
        }

    def test_where_the_trainer_could_not_the_record_says_that_the_notebook_trained(
        self, shell: Shell
    ) -> None:
        shell.monkeypatch.setattr(job, "no_trainer", lambda _: Message("trainer.open_rooms"))
        course = replace(load_course(ROOT), asks_trainer=True)
        one = Submission("mine", "kim", Path("x"), None, None, None, "d" * 64)
        told: Any = statement(b.record(), one, course, SETTINGS, {})["run"]
        assert told["trainings"] == "notebook"

    def test_engine_sizes_and_time_are_those_of_then(
        self, shell: Shell, work: Path, tmp_path: Path
    ) -> None:
        def full(one: Submission) -> Any:
            return replace(accepted(one), profile="full")

        (record,) = graded(
            shell, work, full, "--engine", "jax", "--timeout", "90", "--profile", "full"
        )
        grader, _ = self.rerun(shell, record, work, tmp_path)
        found = grader.settings.engine, grader.settings.timeout, grader.course.profile
        assert found == ("jax", 90.0, "full")

    @pytest.mark.parametrize("kept", [True, False])
    def test_what_a_gpu_trained_is_taken_where_it_is_kept_and_else_it_is_said(
        self, shell: Shell, work: Path, tmp_path: Path, *, kept: bool
    ) -> None:
        def on(device: str) -> Any:
            def make(one: Submission) -> Any:
                proof = Proof("a" * 64, device=device)
                return replace(accepted(one), evidence=replace(b.evidence(), proof=proof))

            return make

        (record,) = graded(shell, work, on("NVIDIA T4"), "--trainer")
        told = json.loads(record.read_text("utf-8"))["statement"]["run"]
        assert (told["device"], told["trained_on"]) == ("cpu", "NVIDIA T4")
        grader, said = self.rerun(shell, record, work, tmp_path, on("NVIDIA T4" if kept else "cpu"))
        assert (len(grader.devices), grader.devices.name) == (0, "NVIDIA T4")
        assert ("computed on NVIDIA T4, here on cpu" in said) is not kept

    def test_of_one_device_that_did_both_it_is_said_once(
        self, shell: Shell, work: Path, tmp_path: Path
    ) -> None:
        def there(one: Submission) -> Any:
            proof = Proof("a" * 64, device="NVIDIA T4")
            evidence = replace(b.evidence(), proof=proof)
            return replace(accepted(one), device="NVIDIA T4", evidence=evidence)

        def here(one: Submission) -> Any:
            return replace(accepted(one), evidence=replace(b.evidence(), proof=Proof("a" * 64)))

        (record,) = graded(shell, work, there, "--trainer")
        _, said = self.rerun(shell, record, work, tmp_path, here)
        assert said.count("computed on NVIDIA T4, here on cpu") == 1

    def test_what_the_notebooks_own_gpu_computed_is_said(
        self, shell: Shell, work: Path, tmp_path: Path
    ) -> None:
        (record,) = graded(shell, work, lambda one: replace(accepted(one), device="NVIDIA T4"))
        _, said = self.rerun(shell, record, work, tmp_path)
        assert "computed on NVIDIA T4, here on cpu" in said

    def test_a_record_of_before_is_genuine_and_graded_as_the_course_has_it(
        self, shell: Shell, work: Path, tmp_path: Path
    ) -> None:
        (record,) = graded(shell, work, accepted, "--trainer")
        told = json.loads(record.read_text("utf-8"))["statement"]
        del told["run"]
        record.write_bytes(signed(told, tmp_path / "signing-key"))
        grader, said = self.rerun(shell, record, work, tmp_path)
        assert grader.settings.trainer is None
        assert "does not say whether the grader trained" in said

    def test_where_it_cannot_train_here_it_says_that_the_score_may_differ(
        self, shell: Shell, work: Path, tmp_path: Path
    ) -> None:
        (record,) = graded(shell, work, accepted, "--trainer")
        why = Message("trainer.open_rooms")
        shell.monkeypatch.setattr(signing, "no_trainer", lambda _: why)
        _, said = self.rerun(shell, record, work, tmp_path)
        assert "the grader trained in the notebook's place" in said
        assert Words("en").say(why) in said
