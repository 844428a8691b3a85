"""A repository on GitHub that students fork: what a release has, with the grader that checks it.

Grader and action lie below ``.github/``, on the branch that is not the students': their pull
requests are checked by what stands there. Nothing which only the instructor has is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from grader.authoring.bundle import Plan, released
from grader.authoring.carried import File, of_the_checkout, the_grader
from grader.course.exercises import Course

PLACE = ".github/grader"
LEFT_BEHIND = b".ipynb_checkpoints/\n__pycache__/\n.venv/\n"  # `git add` would hand it in
WORKFLOWS = {"github-pull-request.yml": "check.yml", "github-comment.yml": "comment.yml"}


def files(course: Course) -> Iterator[File]:
    """Give everything that the repository holds."""
    first = course.language or "en"
    languages = (first, *(one for one in ("en", "ko") if one != first))
    plan = Plan(languages=languages, forked=PLACE)
    yield from (File(name, content) for name, content in released(course, plan))
    yield File(".gitignore", LEFT_BEHIND)
    yield from (replace(one, name=f"{PLACE}/{one.name}") for one in the_grader())
    yield File(f"{PLACE}/action.yml", of_the_checkout("action.yml"))
    for name, there in WORKFLOWS.items():
        yield File(f".github/workflows/{there}", of_the_checkout(f"docs/examples/{name}"))
