"""``grader ci --pull``: the official grade of every open pull request.

Enters: parsed options. Leaves: an exit code. Touches: the network, git, rooms, the OUT folder,
stdout and stderr, signals.

Pull requests are fetched by the commits of their heads and read as data. Their workflows, graders,
tests and expectations are files that nobody looks at.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.ci import pulls
from grader.ci.event import Event
from grader.ci.git import Repository
from grader.ci.github_api import Api
from grader.ci.handed_in import MOST_TOGETHER, HandedOver, hand_over
from grader.ci.platforms import choose
from grader.ci.policy import PASSED, UNGRADED, read_policy
from grader.ci.pulls import Posted, Pull, handed_in
from grader.ci.reports import comment
from grader.ci.told import Told
from grader.cli.ci import CiOptions, Job
from grader.cli.ci_say import Speaker
from grader.cli.ci_work import Work, collected_from
from grader.cli.course import course_to_grade_with, open_words
from grader.cli.errors import speak, tell
from grader.cli.grade import require_packages
from grader.cli.printing import titles
from grader.collect.collect import Collected
from grader.course.exercises import Course
from grader.pipeline.judges import Judges
from grader.policy.rules import folded
from grader.record import files
from grader.record.signing import public_half
from grader.room.workplace import workplace
from grader.submission import Submission
from grader.text.words import Words, pick_language
from grader.types import GraderError, Message, Record, Scalar

MOST_PULLS = 50  # open at a time by one person: the last ones of them, for the last work counts
TOKEN = "GRADER_TOKEN"  # noqa: S105 - its name


@dataclass(frozen=True)
class PullOptions:
    """What ``grader ci --pull`` was asked, besides what every call is."""

    repository: str
    post: str
    remote: str | None


@dataclass(frozen=True)
class Fetched:
    """A pull request and what it hands in."""

    pull: Pull
    submissions: tuple[Submission, ...] = ()
    refused: tuple[Message, ...] = ()
    notes: tuple[Message, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def run_pull(options: CiOptions, asked: PullOptions) -> int:
    """Grade every open pull request that is no draft; gives the exit code."""
    grading = options.grading
    if grading.lang:
        speak(pick_language(grading.lang, None))
    require_packages()
    if options.sign:
        public_half()
    repository = pulls.require_name(asked.repository)
    policy, platform = read_policy(options.fail_on), choose(options.platform)
    course = course_to_grade_with((), grading.profile)
    words = open_words(course, grading.lang)
    token = os.environ.get(TOKEN, "")
    api = Api(os.environ.get("GITHUB_API_URL") or "https://api.github.com", token)
    server = os.environ.get("GITHUB_SERVER_URL") or "https://github.com"
    url = asked.remote or f"{server}/{repository}.git"
    judges = Judges(grading.out)
    judges.prepare()
    found, odd = pulls.open_pulls(api, repository)
    with workplace("handed-in") as place:
        store = pulls.store_of(grading.out, token, url)
        fetching = _Fetching(options, course, judges, store, url, place / "handed-in", words)
        fetched, failed = fetching.all([one for one in found if not one.draft])
        work = _joined(fetched, [*odd, *failed])
        speaker = Speaker(platform, course, words, grading.out, options.reports, work.places)
        speaker.note(*odd, *failed)
        if not work.collected.submissions:
            return UNGRADED if work.collected.refused else PASSED
        saying = _Saying(api, repository, asked.post, Posted(grading.out), course, words, fetched)
        job = Job(
            replace(options, look_first=False),
            policy,
            Event(trusted=True),
            course,
            words,
            judges,
            work,
            speaker,
            place,
        )
        origins = {
            submission.name: {"repository": repository, "commit": one.pull.head}
            for one in fetched
            for submission in one.submissions
        }
        return replace(job, then=lambda records: saying.all(records, job), origins=origins).run()


@dataclass(frozen=True)
class _Fetching:
    """Gets pull requests onto this disk, each by itself: what fails for one fails for one."""

    options: CiOptions
    course: Course
    judges: Judges
    store: Repository
    url: str
    folder: Path
    words: Words
    taken: Counter[str] = field(default_factory=Counter)  # bytes, by whose they are

    def all(self, some: Sequence[Pull]) -> tuple[list[Fetched], list[Message]]:
        """Give what each hands in, and why some could not be looked at.

        A login is its owner's choice: one that is called as a group hands in for nobody of it.
        """
        fetched: list[Fetched] = []
        failed: list[Message] = []
        groups = {folded(one.name) for one in self.course.rules.groups}
        left = Counter(one.student for one in some)
        for student, count in left.items():
            if count > MOST_PULLS:
                failed.append(_too_many(student, count))
        for pull in some:
            left[pull.student] -= 1
            if left[pull.student] >= MOST_PULLS:
                continue
            if folded(pull.student) in groups:
                told = Message("ci.pull_of_group", {"number": pull.number, "student": pull.student})
                failed.append(told)
                continue
            try:
                with files.disk_errors(self.folder):
                    fetched.append(self._one(pull))
            except GraderError as error:
                tell(f"#{pull.number}: {self.words.say(error.message)}")
                failed.append(Message("ci.pull_failed", {"number": pull.number}))
        return fetched, failed

    def _one(self, pull: Pull) -> Fetched:
        folder = self.folder / str(pull.number)
        folder.mkdir(parents=True)
        self.store.fetch(self.url, [pull.base, pull.head])
        before = self.store.before(pull.base, pull.head)
        left = MOST_TOGETHER - self.taken[pull.student]
        over = hand_over(self.store, before, pull.head, folder, left)
        self.taken[pull.student] += over.size
        edited = self.store.committed(before, pull.head, over.notebooks)
        when = handed_in(pull, edited, time.time())
        event = Event(student=pull.student, handed_in=when)
        work = collected_from(self.options.grading, event, self.course, self.judges, folder, over)
        mark = f"#{pull.number}/"  # tells apart what several pull requests call the same
        return Fetched(
            pull,
            tuple(replace(one, name=mark + one.name) for one in work.collected.submissions),
            (*over.refused, *work.collected.refused),
            work.collected.notes,
            {mark + name: place for name, place in work.places.items()},
        )


def _too_many(student: str, count: int) -> Message:
    """Say that only the last pull requests of a person are looked at."""
    args: dict[str, Scalar] = {"student": student, "count": count, "limit": MOST_PULLS}
    return Message("ci.too_many_pulls", args)


def _joined(fetched: Sequence[Fetched], failed: Sequence[Message]) -> Work:
    """Put what all pull requests hand in into one batch."""
    submissions = tuple(one for some in fetched for one in some.submissions)
    places = {name: place for one in fetched for name, place in one.places.items()}
    refused = [*failed, *(message for one in fetched for message in one.refused)]
    collected = Collected(submissions, refused=tuple(refused))
    return Work(collected, places, HandedOver((), (), ()))


@dataclass(frozen=True)
class _Saying:
    """Tells each pull request its own results."""

    api: Api
    repository: str
    post: str
    posted: Posted
    course: Course
    words: Words
    fetched: Sequence[Fetched]

    def all(self, records: Sequence[Record], job: Job) -> int:
        """Post what was found; gives 3 where something could not be posted."""
        code = 0
        for one in self.fetched:
            names = {submission.name for submission in one.submissions}
            theirs = [record for record in records if record.submission in names]
            if self.post == pulls.NONE or not theirs:
                continue
            body = self._body(one, theirs)
            try:
                if self.post == pulls.COMMENT:
                    self.posted.comment(self.api, self.repository, one.pull, body)
                else:
                    graded = all(record.grade.graded for record in theirs)
                    passed = all(map(job.passes, theirs)) if graded else None
                    self.posted.check(self.api, self.repository, one.pull, body, passed)
            except GraderError as error:
                tell(self.words.say(error.message))
                code = UNGRADED
        return code

    def _body(self, one: Fetched, records: Sequence[Record]) -> str:
        commit = self.words("ci.official", commit=one.pull.head)
        notes = [commit, *map(self.words.say, (*one.refused, *one.notes))]
        told = Told(records, self.words, titles(self.course, self.words), notes=notes)
        return comment.write(told).decode()
