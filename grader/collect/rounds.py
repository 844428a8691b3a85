"""Folders that are named as a round of handing in, and as nobody: 1차, 2차, old, 과제 1, week 3.

Enters: where the notebooks of one given path lie. Leaves: whether its first folders are such.
Touches nothing.

The student is the first folder. Below 1차/김민준 and 2차/김민준 that would make one student of a
class. A student's own folder may be called "final" as well, and two of Drive's "과제" and
"과제 (1)": so all first folders have to be such, and people be named in several of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from grader.collect.exercises import is_exercise
from grader.collect.files import is_zip, nfc, unzipped
from grader.collect.names import folder_mark
from grader.policy.hand_ins import is_version, read_name

SEVERAL = 2
MANY_NAMES = 5  # of notebooks in one folder, each of which may be a student's
LEAST_DIGITS = 5  # of a student's number
WORDS = re.compile(r"[가-힣]+|[^\W_가-힣]+")
_DIGITS = "0123456789"
_TASKS = frozenset(
    "hw homework assignment assignments week wk lab exercise exercises chapter problem task project"
    " ps 과제 숙제 실습 주차 차시 연습".split()
)
# What is written beside these, or beside an exercise's name, and is nobody's.
_NOBODY = _TASKS | frozenset(
    "ex ch answer answers solution solutions my submission submissions submit submitted notebook"
    " colab ipynb report test done rnn keras python of the for and copy new untitled version no nr"
    " 주 차 장 제 제출 제출물 답안 답 정답 풀이 노트북 완료 수업 문제 보고서 의 및 와 과".split()
)


def words_of(text: str) -> list[str]:
    """Give the words of a name, folded; Korean ones end where others begin."""
    return [word.casefold() for word in WORDS.findall(text)]


def is_somebody(text: str) -> bool:
    """Whether this may be what a person is called."""
    return any(
        len(word) >= LEAST_DIGITS if word.isdecimal() else word.rstrip(_DIGITS) not in _NOBODY
        for word in words_of(text)
    )


def is_nobodys(folder: str) -> bool:
    """Whether a folder is named as a version or a task, and says nothing of a person."""
    if is_version(folder):
        return True
    words = [word.rstrip(_DIGITS) for word in words_of(folder)]
    return not is_somebody(folder) and not _TASKS.isdisjoint(words)


def are_rounds(notebooks: Sequence[PurePosixPath], exercise_ids: Collection[str]) -> bool:
    """Whether all first folders are rounds of a class's handing in, or versions of one person's."""
    tops = {nfc(path.parts[0]) for path in notebooks if len(path.parts) > 1}
    if not tops or any(is_zip(top) or not is_nobodys(top) for top in tops):
        return False
    return all(map(is_version, tops)) or bool(_in_several(notebooks, exercise_ids))


def are_a_class_s(notebooks: Sequence[PurePosixPath], exercise_ids: Collection[str]) -> bool:
    """Whether all first folders are rounds in which several people handed in, some again."""
    if any(len(path.parts) == 1 for path in notebooks) or not are_rounds(notebooks, exercise_ids):
        return False
    people = {one for path in notebooks if (one := _person(path, exercise_ids)) is not None}
    return len(people) >= SEVERAL and bool(_in_several(notebooks, exercise_ids))


def are_by_exercise(notebooks: Sequence[PurePosixPath], exercise_ids: Collection[str]) -> bool:
    """Whether several people are named in the first folders, which are exercises.

    Two folders in one of them, or files of two names in several. Two names of files in one alone
    may be one student's tries; many are not.
    """
    folders: dict[str, set[str]] = defaultdict(set)
    files: dict[str, set[str]] = defaultdict(set)
    for path in notebooks:
        person = _person(path, exercise_ids)
        if person is not None and folder_mark(unzipped(person)) is None:
            (folders if len(path.parts) > SEVERAL else files)[path.parts[0]].add(person)
    if any(len(names) >= SEVERAL for names in folders.values()):
        return True
    if any(len(names) >= MANY_NAMES for names in files.values()):
        return True
    times = Counter(name for names in files.values() for name in names)
    return sum(count >= SEVERAL for count in times.values()) >= SEVERAL


def _in_several(notebooks: Sequence[PurePosixPath], exercise_ids: Collection[str]) -> set[str]:
    """Give the people who are named in more than one of the first folders."""
    where: dict[str, set[str]] = defaultdict(set)
    for path in notebooks:
        if (person := _person(path, exercise_ids)) is not None:
            where[person].add(path.parts[0])
    counts = Counter({person: len(tops) for person, tops in where.items()})
    return {person for person, count in counts.items() if count >= SEVERAL}


def _person(path: PurePosixPath, exercise_ids: Collection[str]) -> str | None:
    """Give whom the second folder, or the file right in the first one, is named by."""
    if len(path.parts) < SEVERAL:
        return None
    name = nfc(path.parts[1])
    if len(path.parts) > SEVERAL:
        return None if is_nobodys(name) or is_exercise(name, exercise_ids) else name
    read = read_name(name)
    nobody = is_exercise(name, exercise_ids) or not is_somebody(read.left) or is_version(read.left)
    return None if nobody else read.base
