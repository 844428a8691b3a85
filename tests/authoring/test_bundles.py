"""What is made for places that run the grader by themselves works there, and gives nothing away."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.authoring import bundles
from grader.authoring.carried import zipped
from grader.authoring.own_wheel import GRADER
from grader.course.load import load_course
from grader.types import GraderError
from tests.support.cli_help import ROOT, Shell
from tests.support.course_help import course_of
from tests.support.notebook_files import notebook, raw, worded
from tests.support.repositories import Working

FOLDER = ROOT / "grader" / "authoring" / "bundles"
OURS = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))
UNREAD = b'{"nbformat": 2}'
CLASSROOM = {
    "CLASSROOM": "dl",
    "ASSIGNMENT": "week-7",
    "ASSIGNMENT_TYPE": "individual",
    "USERNAME": "kim",
    "OWNER": "kim",
    "SUBMISSION_TAG": "submit/20260901T090000Z-abcdef0",
    "COMMIT_URL": "https://github.com/o/dl-week-7-kim/commit/a",
    "RELEASE_URL": "https://github.com/o/dl-week-7-kim/releases/tag/x",
    "REVIEW_URL": "https://github.com/o/dl-week-7-kim/compare/a...b",
}


@pytest.fixture(scope="module")
def course() -> Any:
    return load_course(ROOT)


def names(place: str, course: Any) -> dict[str, bytes]:
    return {one.name: one.data for one in bundles.load(place).files(course)}


def written(place: str, course: Any, folder: Path) -> Path:
    for one in bundles.load(place).files(course):
        path = folder / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
        path.chmod(one.mode)
    return folder


class TestTheFolder:
    def test_it_is_the_list(self) -> None:
        assert list(bundles.known()) == OURS == ["classroom50", "github", "gitlab", "gradescope"]

    def test_an_unknown_place_is_answered_with_the_known(self) -> None:
        with pytest.raises(GraderError) as caught:
            bundles.load("moodle")
        assert worded(caught.value.message) == "no_bundle"

    @pytest.mark.parametrize("place", [one for one in OURS if one != "gitlab"])  # it names an image
    def test_each_carries_the_grader_and_the_pins_that_it_is_installed_with(
        self, place: str, course: Any
    ) -> None:
        found = {
            one.removeprefix(".github/grader/"): data for one, data in names(place, course).items()
        }
        assert {"grader/__main__.py", "grader/locale/ko/ci.po", "requirements/ci.txt"} <= set(found)
        assert {"pyproject.toml", "README.md", "LICENSE"} <= set(found)
        assert not [name for name in found if "__pycache__" in name or "/." in name]

    def test_a_published_folder_holds_nothing_that_gives_work_away(self, course: Any) -> None:
        found = names("classroom50", course)
        assert {"grader_course/course.json", "grader_course/families/weather.py"} <= set(found)
        assert not [name for name in found if name.startswith("reference")]
        expected = (ROOT / "reference/multiplication-lstm/expected.json").read_bytes()
        assert expected not in found.values()

    @pytest.mark.parametrize("place", ["classroom50", "github", "gitlab"])
    def test_of_the_courses_rules_only_what_students_may_know_is_published(
        self, place: str, tmp_path: Path
    ) -> None:
        own = course_of(tmp_path, "sequence-prediction")
        (own.root / "course.toml").write_text(
            'language = "ko"\n[[extensions]]\nstudent = "Kim Xaver"\ndays = 3  # has mumps\n'
        )
        found = names(place, load_course(own.root))
        assert b"ko" in found["course.toml"]
        assert not [name for name, data in found.items() if b"Xaver" in data or b"mumps" in data]

    def test_a_students_repository_has_workflows_and_the_action_that_they_use(
        self, course: Any
    ) -> None:
        found = names("github", course)
        check = yaml.safe_load(found[".github/workflows/check.yml"])
        used = [one.get("uses", "") for one in check["jobs"]["check"]["steps"]]
        (place,) = (one for one in used if one.startswith("./"))
        action = place.removeprefix("./course/") + "/action.yml"
        assert found[action] == (ROOT / "action.yml").read_bytes()
        assert {".github/workflows/comment.yml", "grader_course/course.json"} <= set(found)
        assert b".ipynb_checkpoints/\n" in found[".gitignore"]
        for name, told in (("README.md", "pull request"), ("README.ko.md", "풀 리퀘스트를 엽니다")):
            readme = found[name].decode()
            assert f'pip install "./{GRADER}[student]"' in readme
            assert GRADER in found
            assert told in readme
            assert ".whl 파일" not in readme
            assert "gives you the file" not in readme
        assert not [name for name in found if name.startswith("reference")]
        expected = (ROOT / "reference/multiplication-lstm/expected.json").read_bytes()
        assert expected not in found.values()

    def test_a_project_on_gitlab_has_its_job_and_says_how_to_hand_in(self, course: Any) -> None:
        found = names("gitlab", course)
        assert found[".gitlab-ci.yml"] == (ROOT / "docs/examples/gitlab-ci.yml").read_bytes()
        link = yaml.safe_load(found[".gitlab-ci.yml"])["check-notebooks"]["artifacts"]["expose_as"]
        assert {"grader_course/course.json", GRADER} <= set(found)
        assert b".ipynb_checkpoints/\n" in found[".gitignore"]
        for name, told in (
            ("README.md", "merge request"),
            ("README.ko.md", "머지 리퀘스트를 엽니다"),
        ):
            readme = found[name].decode()
            assert told in readme
            assert link in readme
            assert "GitHub" not in readme
        assert not [name for name in found if name.startswith(("reference", ".github"))]
        expected = (ROOT / "reference/multiplication-lstm/expected.json").read_bytes()
        assert expected not in found.values()

    def test_gradescope_has_what_a_grade_needs_and_no_samples(self, course: Any) -> None:
        found = names("gradescope", course)
        assert "reference/multiplication-lstm/expected.json" in found
        assert not [
            name for name in found if name.startswith("reference") and "/submissions/" in name
        ]

    def test_the_zip_is_the_same_every_time_and_its_programs_can_be_run(self, course: Any) -> None:
        made = [zipped(bundles.load("gradescope").files(course)) for _ in range(2)]
        assert made[0] == made[1]
        with zipfile.ZipFile(io.BytesIO(made[0])) as archive:
            for name in ("setup.sh", "run_autograder"):
                assert archive.getinfo(name).external_attr >> 16 & 0o111

    @pytest.mark.parametrize("name", ["_gradescope_setup.sh", "_gradescope_run.sh"])
    def test_its_scripts_are_ones(self, name: str) -> None:
        subprocess.run(["bash", "-n", str(FOLDER / name)], check=True)


class TestTheCommand:
    def test_a_zip_where_one_is_taken(self, shell: Shell, tmp_path: Path) -> None:
        said = shell("release", tmp_path / "made", "--for", "gradescope", "--lang", "en")
        assert said.code == 0
        assert zipfile.is_zipfile(tmp_path / "made" / "autograder.zip")

    def test_an_empty_clone_is_filled(self, shell: Shell, tmp_path: Path) -> None:
        clone = Working(tmp_path / "students")
        said = shell("release", clone.place, "--for", "github", "--lang", "en")
        assert said.code == 0, said.err
        assert ".github/workflows/check.yml" in clone.git("ls-files", "--others")

    def test_a_folder_elsewhere_and_never_over_something(
        self, shell: Shell, tmp_path: Path
    ) -> None:
        line = ("release", tmp_path / "made", "--for", "classroom50", "--lang", "en")
        assert shell(*line).code == 0
        assert os.access(tmp_path / "made" / "autograder.py", os.X_OK)
        said = shell(*line)
        assert (said.code, "not empty" in said.line) == (2, True)


# --- their harnesses, imitated ------------------------------------------------------------------


def validated(result: dict[str, Any]) -> None:
    """Ask what Classroom 50's runner and collector ask of a result."""
    assert result["schema"] == "classroom50/result/v1"
    for name in ("classroom", "assignment", "assignment_type", "owner"):
        assert isinstance(result[name], str)
        assert result[name]
    assert result["submission"].startswith("submit/")
    for name in ("commit", "release", "review", "datetime"):
        assert isinstance(result[name], str)
        assert result[name]
    for one in (result, *result["tests"]):
        assert type(one["score"]) is type(one["max-score"]) is int
        assert 0 <= one["score"] <= one["max-score"]
    for one in result["tests"]:
        assert one["test-name"]
        assert isinstance(one["passed"], bool)
    for name in ("score", "max-score"):
        assert result[name] == sum(one[name] for one in result["tests"])


def student(tmp_path: Path) -> Working:
    made = Working(tmp_path / "work")
    made.write("assignments/x/x.ipynb", raw(notebook("# your code here")))
    made.commit()
    for trap in ("typer", "grader", "json", "sitecustomize"):
        made.write(f"{trap}.py", b"open('pwned-by-import', 'w')")
    made.write("sequence-prediction.ipynb", UNREAD)
    made.commit()
    return made


def graded_by_classroom_50(
    course: Any, work: Working, tmp_path: Path
) -> subprocess.CompletedProcess[str]:
    folder = written("classroom50", course, tmp_path / "bundle")
    return subprocess.run(
        [sys.executable, str(folder / "autograder.py")],
        cwd=work.place,
        env={**os.environ, **CLASSROOM, "CLASSROOM50_BUNDLE_DIR": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


FORGED = json.dumps({"schema": "classroom50/result/v1", "score": 100, "max-score": 100}).encode()


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_result_that_a_student_commits_is_none(course: Any, tmp_path: Path, kind: str) -> None:
    """Where no notebook was handed in, nothing else would have been written in its place."""
    work = Working(tmp_path / "work")
    work.write("assignments/x/x.ipynb", raw(notebook("# your code here")))
    work.commit()
    aside = work.write("results/100.json", FORGED)
    if kind == "file":
        work.write("result.json", FORGED)
    elif kind == "link":
        (work.place / "result.json").symlink_to(aside)
    else:
        work.write("result.json/result.json", FORGED)
    work.write("release-body.md", b"100 of 100")
    work.commit()
    done = graded_by_classroom_50(course, work, tmp_path)
    assert done.returncode == 3, done.stderr
    assert not os.path.lexists(work.place / "result.json")
    assert "100 of 100" not in "".join(
        one.read_text("utf-8") for one in work.place.glob("release-body.md")
    )
    assert aside.read_bytes() == FORGED


@pytest.mark.real
def test_classroom_50_gets_a_result_that_it_takes(course: Any, tmp_path: Path) -> None:
    work = student(tmp_path)
    (work.place / "result.json").symlink_to(tmp_path / "elsewhere.json")
    done = graded_by_classroom_50(course, work, tmp_path)
    assert not (tmp_path / "elsewhere.json").exists()
    assert done.returncode == 0, done.stderr
    result = json.loads((work.place / "result.json").read_text("utf-8"))
    validated(result)
    assert (result["owner"], result["submission"]) == ("kim", CLASSROOM["SUBMISSION_TAG"])
    (test,) = result["tests"]
    # Of this exercise's points none are for accuracy, the only thing that is not looked at.
    assert (test["passed"], test["score"], test["max-score"]) == (False, 0, 100)
    assert "kim" in (work.place / "release-body.md").read_text("utf-8")
    assert not list(tmp_path.rglob("pwned*"))


def autograder(course: Any, tmp_path: Path) -> dict[str, str]:
    """Gradescope's folders, with the grader of this environment where its own would be."""
    place = tmp_path / "autograder"
    written("gradescope", course, place / "source")
    (place / "submission").mkdir()
    (place / "results").mkdir()
    users = [{"id": 1, "email": "kim@example.org", "name": "Kim"}]
    told = {"id": 7, "created_at": "2026-09-01T09:00:00.000000+09:00", "users": users}
    (place / "submission_metadata.json").write_text(json.dumps(told))
    programs = tmp_path / "environment" / "bin"
    programs.mkdir(parents=True)
    program = programs / "grader"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grader "$@"\n')
    program.chmod(0o755)
    return {
        **os.environ,
        "AUTOGRADER": str(place),
        "GRADER_ENVIRONMENT": str(programs.parent),
        "PYTHONPATH": str(place / "source"),
        "LC_ALL": "C.UTF-8",
    }


def run_autograder(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", f"{environment['AUTOGRADER']}/source/run_autograder"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.real
def test_gradescope_gets_results_with_the_sum_of_its_tests(course: Any, tmp_path: Path) -> None:
    environment = autograder(course, tmp_path)
    place = Path(environment["AUTOGRADER"])
    (place / "submission" / "sequence-prediction.ipynb").write_bytes(UNREAD)
    done = run_autograder(environment)
    assert done.returncode == 0, done.stderr
    found = json.loads((place / "results" / "results.json").read_text("utf-8"))
    assert found["score"] == sum(one.get("score", 0) for one in found["tests"]) == 0
    assert {one["visibility"] for one in found["tests"]} == {"visible"}
    assert [path.name for path in (place / "results").iterdir()] == ["results.json"]


def test_where_the_grader_fails_gradescope_gets_no_score(course: Any, tmp_path: Path) -> None:
    environment = autograder(course, tmp_path)
    Path(environment["GRADER_ENVIRONMENT"], "bin", "grader").write_text("#!/bin/sh\nexit 2\n")
    done = run_autograder(environment)
    assert done.returncode == 2
    assert not list((Path(environment["AUTOGRADER"]) / "results").iterdir())
