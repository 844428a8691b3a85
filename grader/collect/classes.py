"""How a class lies in what was given: in it, in a folder within, or a folder per section.

Enters: where the notebooks of one given path lie. Leaves: which folders are around students.
Touches nothing.

The student is the first folder. That would make one student of a whole class where all of it lies
in one folder more, as in the zips of GitHub Classroom, Drive and ILIAS, and where there is a folder
per section. Such folders are recognised by what no student's folder looks like, and are told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from grader.collect.exercises import is_exercise
from grader.collect.files import is_zip, nfc, stem_of, unzipped
from grader.collect.labels import Whereabouts
from grader.collect.layouts import REFERENCE, SUBMITTED
from grader.collect.names import file_time, folder_mark
from grader.collect.rounds import are_a_class_s, are_by_exercise, is_nobodys
from grader.policy.hand_ins import read_folder, read_name

SEVERAL = 2
NAMESAKES = 5  # one in so many folders of a section may be called as one of another section is
_COURSE = frozenset({SUBMITTED, REFERENCE})
_TRUSTED = 3  # letters or digits of a user's name, with less it may be a part of one
_TRUSTED_DIGITS = 5


def class_depth(
    notebooks: Sequence[PurePosixPath],
    others: Iterable[PurePosixPath],
    exercise_ids: Collection[str],
) -> int:
    """Count the folders that lie around the whole class.

    Args:
        notebooks: paths of the notebooks, relative to what was given.
        others: paths of everything else that lies in a folder: somebody's who has no notebook.
        exercise_ids: of the course.
    """
    depth, rest = 0, list(others)
    while (top := _only_folder(notebooks, rest, exercise_ids)) is not None:
        depth += 1
        notebooks = [_below(path) for path in notebooks]
        rest = [_below(path) for path in rest if path.parts[0] == top and len(path.parts) > SEVERAL]
        if _are_people(notebooks, exercise_ids):
            return depth
    return 0


def _below(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(*path.parts[1:])


def _only_folder(
    notebooks: Sequence[PurePosixPath],
    others: Iterable[PurePosixPath],
    exercise_ids: Collection[str],
) -> str | None:
    """Give the one folder in which all lies, if it may be one around a class."""
    tops = {path.parts[0] for path in (*notebooks, *others) if len(path.parts) > 1}
    if len(tops) != 1 or not notebooks or any(len(path.parts) == 1 for path in notebooks):
        return None
    (top,) = tops
    somebodys = any(file_time(stem_of(nfc(path.name)), nfc(top)) for path in notebooks)
    return None if somebodys or _says_more(nfc(top), exercise_ids) else top


def _says_more(folder: str, exercise_ids: Collection[str]) -> bool:
    """Whether a folder's name has a meaning of its own."""
    return folder in _COURSE or is_exercise(folder, exercise_ids) or folder_mark(folder) is not None


def _are_people(notebooks: Sequence[PurePosixPath], exercise_ids: Collection[str]) -> bool:
    """Whether these are several people's: files or folders of which one would do for each."""
    alone = [path.parts[0] for path in notebooks if len(path.parts) == 1 or is_zip(path.parts[0])]
    if alone:
        names = {read_name(unzipped(name)).base for name in alone}
        return len({name for name in names if not is_exercise(name, exercise_ids)}) >= SEVERAL
    if all(is_exercise(nfc(path.parts[0]), exercise_ids) for path in notebooks):
        return are_by_exercise(notebooks, exercise_ids)
    if any(_says_more(nfc(path.parts[0]), exercise_ids) for path in notebooks):
        return False
    owners: dict[str, set[str]] = defaultdict(set)
    for path in notebooks:
        if not is_nobodys(nfc(path.parts[0])):
            owners[read_folder(nfc(path.parts[0])).base].add(read_name(path.name).base)
    if not owners:
        return are_a_class_s(notebooks, exercise_ids)
    return len(owners) >= SEVERAL and not _share_the_exercises(owners.values(), exercise_ids)


def _share_the_exercises(names: Collection[set[str]], exercise_ids: Collection[str]) -> bool:
    """Whether each folder holds exercises of its own, as a student's folders do."""
    counts = Counter(name for several in names for name in several)
    return all(count == 1 and is_exercise(name, exercise_ids) for name, count in counts.items())


def sections(notebooks: Sequence[Whereabouts]) -> frozenset[str]:
    """Find folders that are a class's sections, in one given path: students are the folders within.

    Most of the first folders are: no notebook lies in them, but several folders in which the
    same is handed in, named as no other's are, but for a namesake or two.
    """
    inner: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    direct: set[str] = set()
    for one in notebooks:
        folders = one.named.folders
        if folders is None or one.named.platform is not None or one.named.sample:
            continue
        if not folders or one.named.mark is not None:
            direct.add(one.named.student)
        else:
            base = one.named.exercise or read_name(one.relative.name).base
            folder = "" if is_nobodys(folders[0]) else read_folder(folders[0]).base
            inner[one.named.student][folder].add(base)
    people = {
        student: {name: files for name, files in theirs.items() if name}
        for student, theirs in inner.items()
    }
    shared = Counter(name for theirs in people.values() for name in theirs)
    found = {
        student
        for student, theirs in people.items()
        if student not in direct
        and _hands_in_the_same(theirs)
        and NAMESAKES * sum(shared[name] > 1 for name in theirs) <= len(theirs)
    }
    return frozenset(found) if len(found) > len({*inner, *direct}) / 2 else frozenset()


def _hands_in_the_same(folders: Mapping[str, set[str]]) -> bool:
    counts = Counter(name for names in folders.values() for name in names)
    return len(folders) >= SEVERAL and max(counts.values()) >= SEVERAL


def in_section(one: Whereabouts, found: Collection[str]) -> Whereabouts:
    """Give a file of a section's folder to the folder within."""
    folders = one.named.folders
    if one.named.student not in found or not folders:
        return one
    student = f"{one.named.student}/{folders[0]}"
    return replace(one, named=replace(one.named, student=student, folders=folders[1:]))


# --- names that platforms wrote ----------------------------------------------------------------


def platform_owners(files: Sequence[Whereabouts]) -> list[Whereabouts]:
    """Name people shortly where what all names of one given path share says nothing about them."""
    shorter: dict[tuple[int, str | None], Mapping[str, str]] = {}
    for platform, shorten in (("blackboard", _blackboard), ("brightspace", _brightspace)):
        found: dict[int, set[str]] = defaultdict(set)
        for one in files:
            if one.named.platform == platform:
                found[one.source].add(one.named.student)
        shorter |= {(source, platform): shorten(owners) for source, owners in found.items()}
    return [_renamed(one, shorter.get((one.source, one.named.platform), {})) for one in files]


def _renamed(one: Whereabouts, names: Mapping[str, str]) -> Whereabouts:
    student = names.get(one.named.student, one.named.student)
    return replace(one, named=replace(one.named, student=student))


def _blackboard(heads: Collection[str]) -> Mapping[str, str]:
    """Take the user from ASSIGNMENT_USER, either of which may hold a "_"."""
    apart = [head.rpartition("_") for head in heads]
    if len(heads) < SEVERAL:
        return {}
    if len({assignment for assignment, _, _ in apart}) == 1:
        users = {head: user for head, (_, _, user) in zip(heads, apart, strict=True)}
    else:
        shared = _shared([head.split("_") for head in heads])
        users = {head: "_".join(head.split("_")[shared:]) for head in heads}
    return users if all(map(_is_a_user, users.values())) else {}


def _shared(names: Sequence[Sequence[str]]) -> int:
    """Count the pieces with which all of them begin."""
    columns = zip(*names, strict=False)
    return next((n for n, pieces in enumerate(columns) if len(set(pieces)) > 1), 0)


def _is_a_user(text: str) -> bool:
    return len(text) >= (_TRUSTED_DIGITS if text.isdecimal() else _TRUSTED)


def _brightspace(owners: Collection[str]) -> Mapping[str, str]:
    """Keep of NAME_USER-FOLDER the number that is not the same for all."""
    apart = {owner: owner.rpartition("_") for owner in owners}
    numbers = {owner: pair.partition("-") for owner, (_, _, pair) in apart.items()}
    firsts = {first for first, _, _ in numbers.values()}
    seconds = {second for _, _, second in numbers.values()}
    if len(seconds) == 1 and len(firsts) > 1:
        return {owner: f"{apart[owner][0]}_{first}" for owner, (first, _, _) in numbers.items()}
    if len(firsts) == 1 and len(seconds) > 1:
        return {owner: f"{apart[owner][0]}_{second}" for owner, (_, _, second) in numbers.items()}
    return {}
