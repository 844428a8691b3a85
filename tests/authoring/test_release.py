"""The students' notebooks: made from the solutions, without the answers, the same bytes each time."""

from __future__ import annotations

import ast
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from grader.authoring.bundle import release
from grader.authoring.release import (
    BEGIN,
    END,
    PLACEHOLDER,
    epochs_told,
    full,
    stub,
    text,
    write_assignments,
)
from grader.course.load import load_course
from grader.score.hints_empty import asked_name
from grader.types import GraderError
from grader.verify.leaks import leaks
from tests.support.course_help import an_answer_of

ROOT = Path(__file__).parents[2]
COURSE = load_course(ROOT)
EXERCISES = list(COURSE.exercises.values())
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)


def solution(exercise):
    return exercise.reference_path / "solution.py"


def made(exercise):
    return stub(solution(exercise), exercise)


def answers(exercise):
    """The lines between the markers, as the instructor wrote them."""
    inside, found = False, []
    for line in solution(exercise).read_text("utf-8").splitlines():
        if line.strip() in (BEGIN, END):
            inside = line.strip() == BEGIN
        elif inside and re.search(r"\w", line):
            found.append(line.strip())
    return found


def write(tmp_path, source):
    path = tmp_path / "solution.py"
    path.write_text(source, "utf-8")
    return path


@pytest.fixture
def course_copy(tmp_path):
    for part in ("assignments", "reference"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return load_course(tmp_path)


@every_exercise
def test_the_committed_notebook_is_the_generated_one(exercise):
    """After a change of a solution or of the points: ``make assignments``."""
    committed = exercise.assignment_path / f"{exercise.id}.ipynb"
    assert committed.read_text("utf-8") == text(made(exercise))


@every_exercise
def test_the_same_solution_gives_the_same_bytes(exercise):
    assert text(made(exercise)) == text(made(exercise))


@every_exercise
def test_no_line_of_the_answer_is_left(exercise):
    code = [line.strip() for line in code_of(made(exercise)).splitlines()]
    assert answers(exercise)
    assert not set(answers(exercise)) & set(code)


@every_exercise
def test_every_answer_leaves_a_place_to_write(exercise):
    blocks = solution(exercise).read_text("utf-8").count(BEGIN)
    assert code_of(made(exercise)).count(PLACEHOLDER) == blocks


@every_exercise
def test_the_full_notebook_keeps_the_answers_without_markers(exercise):
    code = code_of(full(solution(exercise), exercise))
    assert BEGIN not in code
    assert END not in code
    assert all(line in code for line in answers(exercise))


@every_exercise
def test_the_metadata_names_exercise_and_kernel(exercise):
    metadata = made(exercise).metadata
    assert metadata.grader.exercise == exercise.id
    assert metadata.kernelspec.name == "python3"


@every_exercise
def test_data_cells_are_locked(exercise):
    data = [c for c in made(exercise).cells if "data" in c.metadata.get("tags", [])]
    assert data
    assert all(not c.metadata.editable and not c.metadata.deletable for c in data)


@every_exercise
def test_cell_ids_are_steady_and_unique(exercise):
    ids = [cell.id for cell in made(exercise).cells]
    assert len(set(ids)) == len(ids)
    nbformat.validate(made(exercise))


@every_exercise
def test_a_check_stands_at_the_end_and_in_no_reference(exercise):
    last = made(exercise).cells[-1]
    assert last.metadata.tags == ["check"]
    assert f"check('{exercise.id}')" in last.source
    compile(last.source, exercise.id, "exec")
    assert "import check" not in code_of(full(solution(exercise), exercise))


@every_exercise
def test_what_is_given_uses_nothing_of_the_answers_without_asking_for_it(exercise):
    """So an untouched notebook runs from top to bottom, and its check is reached."""
    given = [c.source for c in made(exercise).cells if c.cell_type == "code"]
    whole = [c.source for c in full(solution(exercise), exercise).cells if c.cell_type == "code"]
    made_by_answers = bound_in(whole) - bound_in(given)
    assert made_by_answers >= {"model", "history"}
    asked = {name for cell in given for name in read_unasked(cell)}
    assert not asked & made_by_answers


def bound_in(cells):
    nodes = [node for cell in cells for node in ast.walk(ast.parse(cell))]
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def read_unasked(cell):
    for statement in ast.parse(cell).body:
        asked = asked_name(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id != asked:
                yield node.id


@every_exercise
def test_nothing_was_run(exercise):
    cells = [c for c in made(exercise).cells if c.cell_type == "code"]
    assert all(c.outputs == [] and c.execution_count is None for c in cells)


@every_exercise
def test_the_notebook_speaks_both_languages(exercise):
    words = "\n".join(c.source for c in made(exercise).cells if c.cell_type == "markdown")
    assert re.search(r"[가-힣]{2}", words)
    assert re.search(r"\*\*Goal\.\*\*", words)


@every_exercise
def test_the_notebook_says_how_many_epochs_are_wanted_and_what_fewer_cost(exercise):
    training = next(
        cell.source for cell in made(exercise).cells if "## 3. 학습 / Training" in cell.source
    )
    assert f"{exercise.epochs}에포크입니다. {exercise.min_epochs}에포크 이상" in training
    assert f"{exercise.epochs} are asked for. From {exercise.min_epochs} on" in training
    assert training.count("`EarlyStopping`") == 2  # once in each language
    assert ("unseen data earns points too" in training) is exercise.earns_by_accuracy


def test_where_all_epochs_are_needed_none_is_called_enough() -> None:
    exercise = replace(COURSE.exercises["multiplication-lstm"], min_epochs=100)
    assert "`EarlyStopping`" not in epochs_told(exercise)
    assert "All 100 epochs" in epochs_told(exercise)


@every_exercise
def test_the_notebook_shows_the_points_of_the_exercise(exercise):
    words = "\n".join(c.source for c in made(exercise).cells if c.cell_type == "markdown")
    shown = [float(p) for p in re.findall(r"\| ([\d.]+) \|$", words, flags=re.MULTILINE)]
    assert shown == [p for p in exercise.points.values() if p]


@every_exercise
def test_every_cell_of_the_solution_is_python(exercise):
    for cell in full(solution(exercise), exercise).cells:
        if cell.cell_type == "code":
            compile(cell.source, exercise.id, "exec")


def code_of(notebook):
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "code")


def test_an_indented_answer_leaves_its_place_at_the_same_depth(tmp_path):
    source = f"# %%\ndef f():\n    {BEGIN}\n    return 1\n    {END}\n"
    notebook = stub(write(tmp_path, source), EXERCISES[0])
    assert notebook.cells[0].source == f"def f():\n    {PLACEHOLDER}"


@pytest.mark.parametrize(
    "source",
    [
        f"# %%\n{BEGIN}\nx = 1\n",
        f"# %%\n{END}\n{BEGIN}\nx = 1\n{END}\n",
        f"# %%\n{BEGIN}\n{BEGIN}\n{END}\n",
        f"# %%\n{BEGIN}\nx = 1\n# %%\n{END}\n",
    ],
)
def test_markers_that_do_not_pair_up_are_refused(tmp_path, source):
    with pytest.raises(GraderError) as caught:
        stub(write(tmp_path, source), EXERCISES[0])
    assert caught.value.message.id == "release.unpaired"


def test_a_solution_without_markers_is_refused(tmp_path):
    with pytest.raises(GraderError) as caught:
        stub(write(tmp_path, "# %%\nx = 1\n"), EXERCISES[0])
    assert caught.value.message.id == "release.no_markers"


# --- the bundle ----------------------------------------------------------------------------------


def released(course, out):
    release(course, out)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_the_bundle_holds_assignments_what_checks_them_and_nothing_else(tmp_path):
    names = released(COURSE, tmp_path / "out")
    packed = [n for n in names if n.endswith(".whl")]
    assert [n.split("-")[0] for n in sorted(packed)] == ["grader_course", "rnn_grader"]
    beside = {
        "release.json",
        "course.toml",
        "README.md",
        "README.ko.md",
        "requirements.txt",
        *packed,
    }
    assert all(n.startswith(("assignments/", "grader_course/")) or n in beside for n in names)
    for exercise in EXERCISES:
        assert f"assignments/{exercise.id}/{exercise.id}.ipynb" in names
        assert f"assignments/{exercise.id}/exercise.toml" in names


def test_the_bundle_holds_no_answer(tmp_path):
    code = {}
    for name, content in released(COURSE, tmp_path / "out").items():
        if name.endswith(".ipynb"):
            cells = json.loads(content)["cells"]
            joined = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
            code[name] = {line.strip() for line in joined.splitlines()}
    for exercise in EXERCISES:
        name = f"assignments/{exercise.id}/{exercise.id}.ipynb"
        assert not code[name] & set(answers(exercise))


def test_a_search_of_the_bundle_finds_no_answer_and_no_threshold(tmp_path):
    out = tmp_path / "out"
    release(COURSE, out)
    found = list(leaks(replace(COURSE, root=out)))
    assert {one.subject for one in found} == {
        p.relative_to(out).as_posix()
        for folder in ("assignments", "grader_course")
        for p in (out / folder).rglob("*")
        if p.is_file() and not p.name.startswith("__")
    }
    assert [one for one in found if not one.holds] == []


def test_that_search_would_find_them(tmp_path):
    out = tmp_path / "out"
    release(COURSE, out)
    measured = next(e for e in EXERCISES if e.expectation and e.expectation.thresholds[0].value)
    told = f"{an_answer_of(measured)}\n{measured.expectation.thresholds[0].value}\n"
    (out / "assignments" / measured.id / "notes.txt").write_text(told, "utf-8")
    found = [one for one in leaks(replace(COURSE, root=out)) if not one.holds]
    assert {one.rule for one in found} == {"answers", "thresholds"}


def test_no_file_of_the_bundle_is_named_as_one_of_the_instructors(tmp_path):
    names = {Path(name).name for name in released(COURSE, tmp_path / "out")}
    assert not {n for n in names if n.startswith(("expected", "spec.", "solution", "checks."))}


def test_a_file_with_a_solution_marker_is_refused(course_copy, tmp_path):
    stray = course_copy.root / "assignments" / "notes.py"
    stray.write_text(f"{BEGIN}\n", "utf-8")
    with pytest.raises(GraderError) as caught:
        release(course_copy, tmp_path / "out")
    assert caught.value.message.id == "release.holds_answers"


def test_links_and_hidden_files_stay_at_home(course_copy, tmp_path):
    root = course_copy.root / "assignments"
    (root / "secret").symlink_to(course_copy.root / "reference" / EXERCISES[0].id / "spec.toml")
    (root / ".ipynb_checkpoints").mkdir()
    (root / ".ipynb_checkpoints" / "x.ipynb").write_text("{}")
    names = released(course_copy, tmp_path / "out")
    assert not [n for n in names if "secret" in n or "checkpoints" in n]


def test_releasing_again_replaces_the_earlier_bundle(course_copy, tmp_path):
    out = tmp_path / "out"
    first = released(course_copy, out)
    shutil.rmtree(course_copy.root / "assignments" / EXERCISES[-1].id)
    names = released(load_course(course_copy.root), out)
    assert set(first) - set(names)
    assert not any(EXERCISES[-1].id in name for name in names)


def test_a_folder_with_other_files_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(GraderError) as caught:
        release(COURSE, tmp_path)
    assert caught.value.message.id == "release.not_empty"
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("inside", [".", "assignments/out", "reference/out"])
def test_a_release_into_the_course_itself_is_refused(course_copy, inside):
    with pytest.raises(GraderError) as caught:
        release(course_copy, course_copy.root / inside)
    assert caught.value.message.id == "release.inside_course"


def test_the_students_copy_loads_as_a_course_without_reference(tmp_path):
    release(COURSE, tmp_path / "out")
    student = load_course(tmp_path / "out")
    assert student.reference is None
    assert list(student.exercises) == list(COURSE.exercises)


def test_an_exercise_without_solution_is_said(course_copy, tmp_path):
    (course_copy.root / "reference" / EXERCISES[0].id / "solution.py").unlink()
    with pytest.raises(GraderError) as caught:
        release(course_copy, tmp_path / "out")
    assert caught.value.message.id == "release.no_solution"


def test_only_changed_notebooks_are_rewritten(course_copy):
    assert write_assignments(course_copy) == ()
    path = course_copy.exercises[EXERCISES[0].id].reference_path / "solution.py"
    path.write_text(path.read_text("utf-8") + "\n# %%\nprint('new')\n", "utf-8")
    changed = write_assignments(course_copy)
    assert [p.stem for p in changed] == [EXERCISES[0].id]


def test_the_overview_links_to_every_notebook():
    overview = (ROOT / "assignments" / "README.md").read_text("utf-8")
    links = re.findall(r"\]\(([^)]+\.ipynb)\)", overview)
    wanted = [f"{e.id}/{e.id}.ipynb" for e in EXERCISES]
    assert links == wanted, "assignments/README.md: one line per exercise, in the course's order"
