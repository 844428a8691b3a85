"""A project on GitLab that students fork: what a release has, with the job that checks it.

The grader is in the image that the job's file names. Nothing which only the instructor has is here.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.authoring.bundle import LEFT_BEHIND, Plan, languages_of, released
from grader.authoring.carried import File, of_the_checkout
from grader.course.exercises import Course


def files(course: Course) -> Iterator[File]:
    """Give everything that the project holds."""
    plan = Plan(languages=languages_of(course), handing_in="merge-request")
    yield from (File(name, content) for name, content in released(course, plan))
    yield File(".gitignore", LEFT_BEHIND)
    yield File(".gitlab-ci.yml", of_the_checkout("docs/examples/gitlab-ci.yml"))
