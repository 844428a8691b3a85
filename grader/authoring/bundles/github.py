"""A repository on GitHub that students fork: what a release has, with the grader that checks it.

Grader and action lie below ``.github/``, on the branch that is not the students': their pull
requests are checked by what stands there. Nothing which only the instructor has is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from grader.authoring.bundle import LEFT_BEHIND, Plan, languages_of, released
from grader.authoring.carried import File, of_the_checkout, the_grader
from grader.course.exercises import Course

PLACE = ".github/grader"
WORKFLOWS = {"github-pull-request.yml": "check.yml", "github-comment.yml": "comment.yml"}


def files(course: Course) -> Iterator[File]:
    """Give everything that the repository holds."""
    plan = Plan(languages=languages_of(course), forked=PLACE, handing_in="pull-request")
    yield from (File(name, content) for name, content in released(course, plan))
    yield File(".gitignore", LEFT_BEHIND)
    yield from (replace(one, name=f"{PLACE}/{one.name}") for one in the_grader())
    yield File(f"{PLACE}/action.yml", of_the_checkout("action.yml"))
    for name, there in WORKFLOWS.items():
        yield File(f".github/workflows/{there}", of_the_checkout(f"docs/examples/{name}"))
