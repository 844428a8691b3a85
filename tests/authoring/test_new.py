"""A new exercise: written by one command, or by hand, and graded with no change to the grader."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grader.authoring.new import begin, nearest_valid
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.types import GraderError, Verdict
from grader.verify.rules import check_files
from tests.support.cli_help import Shell
from tests.support.course_help import ROOT, course_of, digest_of

SEQUENCE = "sequence-prediction"
ID = "next-number"
# Not those that somebody has begun from the template: they may still have its layers.
OF_THE_BOOK = (
    "sequence-prediction multiplication-simple-rnn multiplication-lstm multiplication-gru char-text"
    " temperature-dense temperature-gru temperature-dropout temperature-stacked"
    " temperature-bidirectional temperature-conv1d-gru sentiment-embedding sentiment-bidirectional"
    " sentiment-conv1d"
).split()


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return course_of(tmp_path / "course", SEQUENCE)


def refused(course: Course, identifier: str) -> tuple[str, str]:
    before = digest_of(course.root)
    with pytest.raises(GraderError) as caught:
        begin(course, identifier)
    assert digest_of(course.root) == before
    return caught.value.message.id, str(caught.value.message.args.get("other", ""))


def test_a_new_exercise_breaks_no_rule_and_waits_only_to_be_measured(course: Course) -> None:
    begin(course, ID)
    now = load_course(course.root)
    wrong = [one for one in check_files(now, [now.exercise(ID)]) if not one.holds]
    assert [(one.rule, one.subject, one.waiting) for one in wrong] == [("expected", ID, True)]


def test_it_comes_last_and_fits_no_exercise_of_the_book(course: Course) -> None:
    begin(course, ID)
    now = load_course(course.root)
    assert list(now.exercises)[-1] == ID
    whole = load_course(ROOT)
    assert now.exercise(ID).layers not in [whole.exercise(one).layers for one in OF_THE_BOOK]


def test_it_brings_an_accepted_sample_and_three_mistakes(course: Course) -> None:
    begun = begin(course, ID)
    verdicts = {path.parent.name for path in begun.files if path.suffix == ".ipynb"}
    assert verdicts - {ID} == {"accepted", "wrong_architecture", "wrong_data", "untrained"}
    assert all(path.is_file() for path in begun.files)


def test_the_same_id_gives_the_same_bytes(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "two"):
        begun = begin(course_of(tmp_path / name, SEQUENCE), ID)
        trees.append((digest_of(begun.assignment), digest_of(begun.reference)))
    assert trees[0] == trees[1]


def test_no_placeholder_of_the_template_is_left(course: Course) -> None:
    begun = begin(course, ID)
    assert not [path for path in begun.files if re.search(r"@[A-Z]+@", path.read_text("utf-8"))]


@pytest.mark.parametrize("taken", [SEQUENCE, "half"])
def test_an_id_that_is_taken_in_either_tree_is_refused(course: Course, taken: str) -> None:
    (course.root / "reference" / "half").mkdir()
    assert refused(course, taken)[0] == "new.taken"


@pytest.mark.parametrize(
    ("identifier", "near"),
    [
        ("Next_Number", "next-number"),
        ("NextNumber", "next-number"),
        ("next--number", "next-number"),
        ("2-steps", "steps"),
        ("../outside", "outside"),
        ("a" * 49, "a" * 48),
    ],
)
def test_an_id_that_cannot_be_one_is_refused_with_the_nearest(
    course: Course, identifier: str, near: str
) -> None:
    assert refused(course, identifier) == ("new.bad_id_near", near)


def test_an_id_that_is_taken_is_never_suggested(course: Course) -> None:
    (course.root / "reference" / "next-number").mkdir()
    assert refused(course, "Next_Number") == ("new.bad_id_near", "next-number-2")
    assert refused(course, "Auto") == ("new.bad_id_near", "auto-2")


def test_an_id_of_which_nothing_is_left_is_refused_with_the_rule(course: Course) -> None:
    assert nearest_valid("다음 수") == ""
    assert refused(course, "다음 수")[0] == "new.bad_id"


@pytest.mark.parametrize("identifier", ["families", "chapter", "submissions", "auto"])
def test_a_name_that_the_course_uses_itself_is_refused(course: Course, identifier: str) -> None:
    assert refused(course, identifier)[0] == "new.reserved"


def test_a_students_copy_is_refused(course: Course, tmp_path: Path) -> None:
    from grader.authoring.bundle import release

    release(course, tmp_path / "students")
    assert refused(load_course(tmp_path / "students"), ID)[0] == "cli.no_reference"


def test_a_course_without_the_templates_family_is_refused(course: Course) -> None:
    (course.root / "reference/families/sequence.py").unlink()
    assert refused(course, ID)[0] == "course.no_family"


def test_what_cannot_be_finished_leaves_nothing(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("grader.authoring.new.stub", full_disk)
    with pytest.raises(OSError, match="No space"):
        begin(course, ID)
    assert not (course.root / "assignments" / ID).exists()
    assert not (course.root / "reference" / ID).exists()


def test_the_command_says_what_to_do_next(shell: Shell, course: Course) -> None:
    shell.monkeypatch.setenv("GRADER_COURSE", str(course.root))
    said = shell("new", ID, "--lang", "en")
    assert said.code == 0
    assert f"grader calibrate {ID}" in said.out
    assert f"grader verify --exercise {ID}" in said.out
    assert "make assignments" in said.out
    assert "make exercises-table" in said.out


def test_outside_a_course_it_is_one_line_and_usage(shell: Shell, tmp_path: Path) -> None:
    shell.monkeypatch.delenv("GRADER_COURSE")
    shell.monkeypatch.chdir(tmp_path)
    said = shell("new", ID, "--lang", "en")
    assert said.code == 2
    assert "GRADER_COURSE" in said.line


# --- by files alone ------------------------------------------------------------------------------


def run(course: Path, *arguments: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "GRADER_COURSE": str(course),
        "GRADER_SECRET_FILE": str(tmp_path / "secret"),
    }
    return subprocess.run(
        [sys.executable, "-m", "grader", *arguments, "--lang", "en"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.real
def test_an_exercise_is_added_by_files_alone_and_grades_its_own_samples(
    course: Course, tmp_path: Path
) -> None:
    """The real pipeline, real training: the stub, the reference and every sample."""
    before = digest_of(ROOT / "grader")
    assert run(course.root, "new", ID, tmp_path=tmp_path).returncode == 0
    out = tmp_path / "out"
    arguments = ("--exercise", ID, "--allow-uncalibrated", "--format", "json", "--out", str(out))
    done = run(course.root, "verify", *arguments, tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    results = {one["submission"]: one for one in json.loads(done.stdout)["results"]}
    stub = results.pop(f"assignments/{ID}/{ID}.ipynb")
    assert (stub["score"], stub["verdict"]) == (0, "no_model")
    whole = results.pop(f"reference/{ID}/solution.py")
    assert whole["score"] == whole["max_score"] == 100
    verdicts = {Path(name).parent.name: one["verdict"] for name, one in results.items()}
    assert set(verdicts) == {"accepted", "wrong_architecture", "wrong_data", "untrained"}
    assert all(folder == verdict for folder, verdict in verdicts.items())
    assert set(verdicts) <= set(Verdict)
    assert digest_of(ROOT / "grader") == before
