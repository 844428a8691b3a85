"""What a student reads and types in the notebooks: both languages, and names that do not clash."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from grader.authoring.release import full, stub
from grader.course.load import load_course

ROOT = Path(__file__).parents[2]
EXERCISES = list(load_course(ROOT).exercises.values())
KOREAN, ENGLISH = re.compile(r"[가-힣]"), re.compile(r"[A-Za-z]{2,}")
GUIDES = (
    *sorted((ROOT / "grader" / "authoring" / "students").glob("README.*.md")),
    *sorted((ROOT / "docs" / "start").glob("student*.md")),
)
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)


def cells(exercise):
    solution = exercise.reference_path / "solution.py"
    for made in (stub, full):
        yield from (c for c in made(solution, exercise).cells if c.cell_type == "code")


def comments(code):
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [one.string for one in tokens if one.type == tokenize.COMMENT]


def printed(code):
    """The texts within each call of print, together."""
    calls = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call)]
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            for text in ast.walk(call):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value


def names_bound(code):
    nodes = ast.walk(ast.parse(code))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


@every_exercise
def test_no_comment_and_no_output_is_in_korean_alone(exercise):
    """The check's cell says each sentence twice, one line each."""
    own = [c.source for c in cells(exercise) if "check" not in c.metadata.get("tags", [])]
    told = [one for code in own for one in (*comments(code), *printed(code)) if KOREAN.search(one)]
    assert told
    assert [one for one in told if not ENGLISH.search(one)] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda one: one.name)
def test_the_name_that_a_guide_keeps_a_check_in_is_no_notebooks_own(guide):
    """A loop over ``answer`` made a number of what ``hint()`` was then asked of."""
    names = set(re.findall(r"`(\w+) = check\(", guide.read_text("utf-8")))
    taken = set().union(*(names_bound(c.source) for e in EXERCISES for c in cells(e)))
    assert names
    assert not names & taken


def test_the_sentence_that_students_may_change_lies_in_a_cell_that_they_can_edit():
    """A locked cell's copy is as locked, and JupyterLab says nothing of it."""
    (exercise,) = (one for one in EXERCISES if one.id == "char-text")
    notebook = stub(exercise.reference_path / "solution.py", exercise)
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and "TEXT = (" in c.source)
    assert cell.metadata.get("editable", True)
    assert names_bound(cell.source) == {"TEXT"}
