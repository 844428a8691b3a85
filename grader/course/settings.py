"""What ``course.toml`` may say: the course's rule book.

Enters: parsed TOML. Leaves: a SettingsFile. Touches nothing.

``grader.course.rulebook`` makes Rules of it, and ``course.schema.json``, for editors, is made of it
(``grader.course.editors``). ``PRIVATE`` is what students never receive (``grader.authoring``).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from grader.course.patterns import BRANCH, FOLDER, NOT_EMPTY, REPOSITORY, REQUIREMENT, WHEEL
from grader.course.schema import Strict

PRIVATE = frozenset({"roster", "groups", "extensions"})

FIRST_YEAR, LAST_YEAR = 2000, 2199
DATE = r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})?)?$"


def _moment(value: object) -> object:
    """Take a date or a date with a time as TOML has them, and no number or text.

    Raises:
        PydanticCustomError: it is another thing, or of no year in which a course is held.
    """
    if not isinstance(value, date):  # a datetime is one
        raise PydanticCustomError("moment", "not a date")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise PydanticCustomError("year", "not a year of a course")
    return value


Requirement = Annotated[str, Field(pattern=REQUIREMENT, max_length=100)]
Moment = Annotated[
    datetime | date,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": DATE}),  # editors see TOML's dates as texts
]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=NOT_EMPTY)]
Percent = Annotated[float, Field(ge=0, le=100, strict=True)]
Positive = Annotated[float, Field(gt=0, le=100_000, strict=True)]
Days = Annotated[int, Field(ge=0, le=1000, strict=True)]
Minutes = Annotated[int, Field(ge=0, le=20_000, strict=True)]
Ids = tuple[Name, ...]


class LateTable(Strict):
    """What handing in late costs: ``[late]``."""

    grace_minutes: Annotated[
        Minutes, Field(description="So long after the deadline nothing is taken off.")
    ] = 0
    per_day: Annotated[
        Percent,
        Field(description="Percent of the exercise's points, for each day that has begun."),
    ] = 0.0
    most: Annotated[Percent, Field(description="Percent taken off at most, until the cut-off.")] = (
        100.0
    )
    cut_off_days: Annotated[
        Days | None, Field(description="Whole days after which nothing is earned; else never.")
    ] = None


class ExerciseTable(Strict):
    """What the course says of one exercise: ``[exercise.ID]``."""

    title: Annotated[Name | None, Field(description="Its name in the LMS, if another one.")] = None
    points: Annotated[
        Positive | None, Field(description="Its points in the LMS; 100 where it is not said.")
    ] = None
    weight: Annotated[
        float,
        Field(ge=0, le=1000, strict=True, description="In the course's total; 1 is the usual."),
    ] = 1.0
    opens: Annotated[Moment | None, Field(description="From when on it can be handed in.")] = None
    due: Annotated[
        Moment | None,
        Field(description="The deadline, on the course's clock; a date alone is until its end."),
    ] = None
    worksheet: Annotated[
        Name | None,
        Field(description="Moodle's grading worksheet, a CSV: it tells when each handed in."),
    ] = None
    week: Annotated[
        Annotated[int, Field(ge=1, le=60, strict=True)] | None,
        Field(description="In which it is given out: grader release --week."),
    ] = None


class PublishedTable(Strict):
    """Where a release can be read, for Colab: ``[published]``."""

    github: Annotated[
        str,
        Field(
            pattern=REPOSITORY,
            max_length=150,
            description="A public repository, OWNER/NAME, that holds what grader release wrote.",
        ),
    ]
    branch: Annotated[str, Field(pattern=BRANCH, max_length=100, description="Of it.")] = "main"
    folder: Annotated[
        str,
        Field(
            pattern=FOLDER,
            max_length=200,
            description="In it; its top where it is not said.",
        ),
    ] = ""
    grader: Annotated[
        str | None,
        Field(
            pattern=WHEEL,
            max_length=500,
            description="Address of the grader's own wheel, where it is not beside the release.",
        ),
    ] = None


class RosterTable(Strict):
    """The list of the class, beside ``course.toml``: ``[roster]``."""

    file: Annotated[Name, Field(description="A CSV as the LMS exports it, from course.toml on.")]
    section: Annotated[
        Name | None, Field(description="The column that names each student's section.")
    ] = None


class GroupTable(Strict):
    """Students who hand in together: ``[[groups]]``."""

    name: Annotated[Name, Field(description="Theirs alone; their folder may be called so.")]
    members: Annotated[
        Ids, Field(min_length=1, description="As the class page calls them, or the roster.")
    ]
    exercises: Annotated[Ids | None, Field(description="Ids; all where it is not said.")] = None


class ExtensionTable(Strict):
    """More time for somebody: ``[[extensions]]``; one of the first three, and one of the last."""

    student: Annotated[
        Name | None, Field(description="As the class page calls them, or the roster.")
    ] = None
    group: Annotated[Name | None, Field(description="Of [[groups]].")] = None
    section: Annotated[Name | None, Field(description="Of the roster.")] = None
    exercises: Annotated[Ids | None, Field(description="Ids; all where it is not said.")] = None
    due: Annotated[Moment | None, Field(description="Their own deadline.")] = None
    days: Annotated[
        Annotated[int, Field(ge=1, le=1000, strict=True)] | None,
        Field(description="Days after the deadline of all."),
    ] = None
    reason: Annotated[str, Field(max_length=1000, description="For you; nobody is shown it.")] = ""


class SettingsFile(Strict):
    """``course.toml`` beside ``assignments/``; every key may be left out."""

    name: Annotated[Name | None, Field(description="What the course is called.")] = None
    language: Annotated[Literal["ko", "en"] | None, Field(description="Of messages and pages.")] = (
        None
    )
    time_zone: Annotated[
        Name | None,
        Field(description="Such as Asia/Seoul, or an offset such as +09:00; dates need one."),
    ] = None
    exercises: Annotated[
        Ids | None, Field(description="Ids that every notebook owes, whatever it is called.")
    ] = None
    profile: Annotated[str | None, Field(description="Whose sizes: laptop, full.")] = None
    packages: Annotated[
        tuple[Requirement, ...],
        Field(max_length=50, description="That notebooks find in their rooms."),
    ] = ()
    old_api: Annotated[Literal["accept", "refuse"], Field(description="Calls of 2018 to 2020.")] = (
        "accept"
    )
    hints: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="That a check in a notebook may give; all where it is not said."),
    ] = None
    trainings: Annotated[
        Literal["notebook", "trainer"], Field(description="Who does what fit asks for.")
    ] = "trainer"
    attempts: Annotated[
        Literal["last", "best", "last_in_time"],
        Field(description="Which of several hand-ins counts; points are never added up."),
    ] = "last"
    late: LateTable = LateTable()
    exercise: dict[str, ExerciseTable] = Field(default_factory=dict)
    published: PublishedTable | None = None
    roster: RosterTable | None = None
    groups: tuple[GroupTable, ...] = ()
    extensions: tuple[ExtensionTable, ...] = ()
