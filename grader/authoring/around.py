"""What students receive beside their notebooks: how to begin, packages, a way into Colab.

Enters: a course, where it is published. Leaves: the texts of files, a notebook's cell. Touches:
reads ``students/`` beside this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.authoring.own_wheel import GRADER, own_wheel
from grader.course.exercises import ASSIGNMENTS, Course, Exercise
from grader.course.load import read_settings
from grader.policy.rules import Attempts, Terms
from grader.text.times import until
from grader.text.words import Words

TEXTS = Path(__file__).with_name("students")
README = "README.md"
REQUIREMENTS = "requirements.txt"
LANGUAGE = {"ko": "한국어", "en": "English"}
# What the notebooks import, as `pyproject.toml` has it, and what opens them.
PACKAGES = ("jupyterlab>=4", "matplotlib>=3.8", "pandas>=2.2", "tensorflow>=2.18")
ATTEMPTS = {
    Attempts.LAST: "rules.attempts_last",
    Attempts.BEST: "rules.attempts_best",
    Attempts.LAST_IN_TIME: "rules.attempts_last_in_time",
}
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
CELL = """\
# Colab에서만: 확인 프로그램과 데이터를 가져옵니다 / in Colab only: gets the checker and the data
import sys

if 'google.colab' in sys.modules:
    import subprocess
    from urllib.request import urlretrieve

    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet',
                    {grader!r},
                    {course!r}])
    for name in {files!r}:
        urlretrieve({folder!r} + name, name)"""


@dataclass(frozen=True)
class Published:
    """Where a release can be read: in a public repository on GitHub, from which Colab opens."""

    github: str  # OWNER/REPOSITORY
    branch: str = "main"
    folder: str = ""  # in it, without a stroke at either end
    wheel: str = ""  # the address of the grader's own; beside the release where there is none

    @property
    def grader(self) -> str:
        """Where the grader's own package is."""
        return self.wheel or self.raw(GRADER)

    def raw(self, name: str) -> str:
        """Give the address of a file of the release."""
        place = "/".join(filter(None, (self.github, self.branch, self.folder, name)))
        return f"https://raw.githubusercontent.com/{place}"

    def colab(self, name: str) -> str:
        """Give the address that opens a notebook of the release in Colab."""
        place = "/".join(filter(None, (self.github, "blob", self.branch, self.folder, name)))
        return f"https://colab.research.google.com/github/{place}"


def badge(published: Published, exercise: Exercise) -> str:
    """Give the Markdown of a picture that opens the notebook in Colab."""
    notebook = f"{ASSIGNMENTS}/{exercise.id}/{exercise.id}.ipynb"
    return f"[![Open in Colab]({BADGE})]({published.colab(notebook)})"


def colab_cell(
    published: Published, exercise: Exercise, course_wheel: str, files: Sequence[str]
) -> str:
    """Give the code that makes a notebook's Colab what the bundle's folder is; elsewhere nothing.

    Args:
        published: where the release is.
        exercise: of the notebook.
        course_wheel: the file name of the course's package.
        files: that lie beside the notebook.
    """
    return CELL.format(
        grader=published.grader,
        course=published.raw(course_wheel),
        files=list(files),
        folder=published.raw(f"{ASSIGNMENTS}/{exercise.id}/"),
    )


def readmes(
    course: Course,
    languages: Sequence[str],
    course_wheel: str,
    published: Published | None,
    forked: str | None = None,
    handing_in: str | None = None,
) -> Mapping[str, str]:
    """Give a README for each language; the first is README.md.

    ``forked``: where the grader lies in a repository that students fork; None: it is none.
    ``handing_in``: the text about how work is handed in there; None: nothing is said of it.
    """
    names = {
        lang: README if not place else f"README.{lang}.md" for place, lang in enumerate(languages)
    }
    return {
        names[lang]: _readme(course, lang, names, course_wheel, published, forked, handing_in)
        for lang in languages
    }


def _readme(
    course: Course,
    lang: str,
    names: Mapping[str, str],
    course_wheel: str,
    published: Published | None,
    forked: str | None,
    handing_in: str | None,
) -> str:
    words = Words(lang)
    own = own_wheel() is not None
    text = TEXTS / f"{handing_in}.{lang}.md"
    others = [f"[{LANGUAGE[one]}]({name})" for one, name in names.items() if one != lang]
    told = {
        "course": course.name or words("release.readme_title"),
        "other": f"\n{' · '.join(others)}\n" if others else "",
        "wheel": course_wheel,
        "grader": f"rnn-grader[student] @ {published.grader}"
        if published
        else f"./{GRADER if own else forked or GRADER}[student]",
        "own": f"| `{GRADER}` | {words('release.readme_own')} |\n" if own else "",
        "where": ""
        if published or own or forked
        else f" {words('release.readme_where', file=GRADER)}",
        "handing_in": text.read_text("utf-8") if handing_in is not None else "",
        "colab": words("release.readme_colab")
        if published
        else words("release.readme_no_colab", course=course_wheel, grader=GRADER),
        "exercises": _table(course, lang),
        "rules": "".join(f"\n{line}\n" for line in _rules(course, words)),
        "attempts": _attempts(course, words),
        "accuracy": _accuracy(course, words),
        "first": next(iter(course.exercises)),
    }
    return (TEXTS / f"README.{lang}.md").read_text("utf-8").format(**told)


def _attempts(course: Course, words: Words) -> str:
    """Say which hand-in counts; the last one, unless told otherwise, where the course leaves it."""
    said = "attempts" in read_settings(course.root).model_fields_set
    return words(ATTEMPTS[course.rules.attempts] if said else "release.readme_last")


def _accuracy(course: Course, words: Words) -> str:
    """Say what no check can tell, of the exercises in which it earns points."""
    told = [key for key, one in course.exercises.items() if one.earns_by_accuracy]
    if not told:
        return ""
    if len(told) == len(course.exercises):
        return f" {words('release.readme_accuracy')}"
    return f" {words('release.readme_accuracy_of', exercises=', '.join(told))}"


def _table(course: Course, lang: str) -> str:
    """List the exercises, with what ``course.toml`` says of when they are due and worth."""
    words, terms = (
        Words(lang),
        [course.rules.exercises.get(one, Terms()) for one in course.exercises],
    )
    known = (
        ("rules.due", [until(one.due) if one.due else "" for one in terms]),
        ("release.readme_points", [_points(one.points) for one in terms]),
    )
    more = [(words(key), cells) for key, cells in known if any(cells)]
    head = ["실습", "내용", "배점"] if lang == "ko" else ["exercise", "about", "points"]
    rows = [
        [
            f"[{one.id}]({ASSIGNMENTS}/{one.id}/{one.id}.ipynb)",
            one.title.ko if lang == "ko" else one.title.en,
            f"{sum(one.points.values()):g}",
            *(cells[place] or "–" for _, cells in more),
        ]
        for place, one in enumerate(course.exercises.values())
    ]
    lines = [f"| {' | '.join(cells)} |" for cells in ([*head, *(name for name, _ in more)], *rows)]
    lines.insert(1, "|---|---|---:|" + "---:|" * len(more))
    return "\n".join(lines)


def _rules(course: Course, words: Words) -> Iterator[str]:
    """Say what late work loses, where anything has a date."""
    rules, late = course.rules, course.rules.late
    dated = [rules.exercises[one] for one in course.exercises if one in rules.exercises]
    if not any(one.due is not None for one in dated):
        return
    told = [words("rules.clock", zone=str(rules.zone))]
    if late.per_day:
        minutes = late.grace_minutes
        told.append(words("rules.policy", percent=late.per_day, most=late.most, minutes=minutes))
    if late.cut_off is not None:
        told.append(words("rules.policy_ends", days=late.cut_off))
    yield " ".join(told)


def _points(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def requirements(course: Course) -> str:
    """Give the packages that the notebooks use, those that the course names too."""
    return "\n".join([*PACKAGES, *course.packages]) + "\n"
