"""What students receive, made from the reference solutions.

Enters: ``reference/<id>/solution.py``, a notebook in py:percent form. Leaves: the notebook with the
answers taken out (``stub``), the same as a submission (``full``). Touches: reads the course;
``write_assignments`` writes into it.

Between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` stands what only the instructor has. The
same source gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import nbformat
from nbformat import NotebookNode

from grader.authoring.around import Published, badge, colab_cell
from grader.course.data import handout, source
from grader.course.exercises import Course, Exercise
from grader.course.rewording import resized, reworded
from grader.types import EvidenceClass, GraderError, Message

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
PLACEHOLDER = "# YOUR CODE HERE / 여기에 코드를 작성하세요"
POINTS = "<!-- points -->"
DATA = "<!-- data -->"
EPOCHS = "<!-- epochs -->"
CHECK = """\
# 제출하기 전에 확인하기 (점수와 무관) / Check before you hand in (no part of the grade)
try:
    from grader import check
except ImportError:
    print('확인하려면 강의에서 받은 확인 프로그램을 설치하십시오.')
    print('To check, install the checker that your teacher gave you.')
else:
    display(check('{exercise}'))"""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
POINT_WORDS = {
    EvidenceClass.RUNS: "모든 셀이 오류 없이 실행됨 / every cell runs",
    EvidenceClass.STRUCTURE: "층, 유닛, 모양, 파라미터 수 / layers, units, shapes, parameters",
    EvidenceClass.DATA: "fit에 들어간 데이터 / the data given to fit",
    EvidenceClass.TRAINING: "학습된 모델 / a trained model",
    EvidenceClass.ACCURACY: "처음 보는 데이터에서의 성능 / how well it answers unseen data",
}


def stub(solution: Path, exercise: Exercise) -> NotebookNode:
    """Make the student's notebook: answers out, data cells locked, a check at the end.

    Raises:
        GraderError: the solution's markers do not pair up, or it has none.
    """
    notebook = _notebook(solution, exercise)
    markers = sum(cell.source.count(BEGIN) for cell in notebook.cells)
    if not markers:
        raise GraderError(Message("release.no_markers", {"file": str(solution)}))
    code = CHECK.format(exercise=exercise.id)
    notebook.cells.append(_code_cell(exercise, "check", code))
    return _transformed(notebook, lambda source: _without_answers(source, solution))


def full(solution: Path, exercise: Exercise) -> NotebookNode:
    """Make the reference as a submission: only the marker lines are gone."""
    return _transformed(_notebook(solution, exercise), _without_markers)


def notebook_of(source: str, name: str) -> NotebookNode:
    """Make a plain notebook of a py:percent source: a sample, with no mark of ours but its kernel.

    Args:
        source: the cells.
        name: what the cells' ids begin with; the same source gives the same bytes.
    """
    import jupytext

    notebook = cast("NotebookNode", jupytext.reads(source, fmt="py:percent"))
    notebook.metadata = _node({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"{name[:48]}-{number:02d}"
        cell.metadata = _node({})
    return notebook


def text(notebook: NotebookNode) -> str:
    """Give a notebook's file, the same bytes for the same notebook."""
    content = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    return content + "\n"


def write_assignments(course: Course) -> tuple[Path, ...]:
    """Write every ``assignments/<id>/<id>.ipynb`` and its data; give the files that changed."""
    changed = []
    for exercise in course.exercises.values():
        for name, content in made_for(course, exercise).items():
            path = exercise.assignment_path / name
            if not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)
                changed.append(path)
    return tuple(changed)


def made_for(
    course: Course, exercise: Exercise, published: Published | None = None, package: str = ""
) -> dict[str, bytes]:
    """Give what is made for students: the notebook, and the data that lie next to it.

    Args:
        course: with its data sets.
        exercise: one of it.
        published: where Colab will find all this; None: nowhere.
        package: the file name of the course's own wheel there.
    """
    files = handout(course, exercise)
    data = {name: content for name, content in files.items() if "/" not in name}
    notebook = stub(_solution(exercise), exercise)
    if published is not None:
        code = colab_cell(published, exercise, package, sorted(data))
        notebook.cells.insert(1, _code_cell(exercise, "colab", code))
        notebook.cells[0].source += f"\n\n{badge(published, exercise)}"
    return {f"{exercise.id}.ipynb": text(notebook).encode(), **data}


def _solution(exercise: Exercise) -> Path:
    path = (exercise.reference_path or Path()) / "solution.py"
    if exercise.reference_path is None or not path.is_file():
        raise GraderError(Message("release.no_solution", {"exercise": exercise.id}))
    return path


def _notebook(solution: Path, exercise: Exercise) -> NotebookNode:
    """Read a py:percent file into a notebook with our metadata and steady cell ids."""
    import jupytext

    source, lost = reworded(solution.read_text("utf-8"), exercise.words)
    if lost:
        args = {"file": str(solution), "words": min(lost), "profile": exercise.profile}
        raise GraderError(Message("release.words_lost", args))
    notebook = cast("NotebookNode", jupytext.reads(source, fmt="py:percent"))
    notebook.metadata = _node(
        {
            "grader": {"exercise": exercise.id},
            "kernelspec": KERNEL,
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"{exercise.id[:48]}-{number:02d}"
        tags = cell.metadata.get("tags", [])
        locked = {"deletable": False, "editable": False} if "data" in tags else {}
        cell.metadata = _node({**({"tags": tags} if tags else {}), **locked})
        if "data" in tags:
            cell.source = resized(cell.source, exercise.data)
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace(POINTS, points_table(exercise))
            cell.source = cell.source.replace(EPOCHS, epochs_told(exercise))
            if DATA in cell.source:
                cell.source = cell.source.replace(DATA, data_told(exercise))
    return notebook


def _code_cell(exercise: Exercise, name: str, code: str) -> NotebookNode:
    """Make a cell that no solution has; where grading runs it, it does nothing, and rightly so."""
    return _node(
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"{exercise.id[:48]}-{name}",
            "metadata": {"tags": [name]},
            "outputs": [],
            "source": code,
        }
    )


def _node(content: dict[str, Any]) -> NotebookNode:
    return cast("NotebookNode", cast("Any", nbformat).from_dict(content))


NOT_GRADED = (
    "변수 이름, 설명 글, 그림, 빈칸과 '생각해 보기'의 답은 점수와 관계없습니다.",
    "",
    "Names of variables, text, plots, blanks and answers to 'Think' earn and cost nothing.",
)


def points_table(exercise: Exercise) -> str:
    """Show what earns how many points, as a Markdown table, and what earns none."""
    rows = [
        f"| {POINT_WORDS[evidence]} | {points:g} |"
        for evidence, points in exercise.points.items()
        if points
    ]
    table = ["| 채점 항목 / what counts | 배점 / points |", "|---|---:|", *rows]
    return "\n".join([*table, "", *NOT_GRADED])


def epochs_told(exercise: Exercise) -> str:
    """Say how many epochs are asked for, from how many on training earns all, in both languages."""
    asked, needed = exercise.epochs, exercise.min_epochs
    if needed >= asked:
        return (
            f"학습 점수를 모두 받으려면 {asked}에포크를 다 학습해야 합니다.\n\n"
            f"All {asked} epochs are needed for all points for training."
        )
    ko = [
        f"요구하는 것은 {asked}에포크입니다.",
        f"{needed}에포크 이상이면 학습 점수를 모두 받고, `EarlyStopping`으로 일찍 멈추어도 됩니다.",
    ]
    en = [
        f"{asked} are asked for.",
        f"From {needed} on all points for training are yours,",
        "and `EarlyStopping` may end it sooner.",
    ]
    if exercise.earns_by_accuracy:
        ko += ["다만 처음 보는 데이터에서의 성능에도 점수가 있고,", "덜 학습하면 잃을 수 있습니다."]
        en += ["But how well it answers unseen data earns points too,", "and fewer may lose them."]
    return f"**몇 에포크?** {' '.join(ko)}\n\n**How many epochs?** {' '.join(en)}"


def data_told(exercise: Exercise) -> str:
    """Say where the data come from and under which licence, in both languages."""
    assert exercise.reference_path is not None
    assert exercise.dataset is not None
    origin = source(exercise.reference_path.parent, exercise.dataset).origin
    return f"{origin.about.ko}\n\n{origin.about.en} ({origin.licence})"


def _transformed(notebook: NotebookNode, change: Callable[[str], str]) -> NotebookNode:
    """Rewrite the code cells; a py:percent source has no outputs to clear."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = change(cell.source)
    nbformat.validate(notebook)
    return notebook


def _without_answers(source: str, solution: Path) -> str:
    lines: list[str] = []
    inside = False
    for line in source.splitlines():
        mark = line.strip()
        if mark in (BEGIN, END):
            if inside == (mark == BEGIN):
                raise GraderError(Message("release.unpaired", {"file": str(solution)}))
            inside = mark == BEGIN
            if inside:
                lines.append(f"{re.match(r' *', line)[0]}{PLACEHOLDER}")  # type: ignore[index]
        elif not inside:
            lines.append(line)
    if inside:
        raise GraderError(Message("release.unpaired", {"file": str(solution)}))
    return "\n".join(lines)


def _without_markers(source: str) -> str:
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def main() -> None:
    """Bring every students' notebook up to date: ``make assignments``."""
    from grader.course.load import find_course, load_course

    for path in write_assignments(load_course(find_course())):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
