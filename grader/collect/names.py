"""What a platform wrote into a name: whose file it is, when it was handed in, what it was called.

Enters: one name of a file, without its suffix, or of a folder. Leaves: a Mark, or None. Touches
nothing.

    kimminjun_LATE_1234_5678_answer                         Canvas
    김민준_1234_assignsubmission_file_answer                  Moodle, for a folder too
    과제 1_kim01_attempt_2024-05-01-10-20-30_answer           Blackboard
    12345-678 - Minjun Kim - May 1, 2024 1020 AM            Brightspace, a folder
    Kim_Minjun_kim01_1234                                   ILIAS, a folder; times before files

What the student called the file comes last and is never taken for a mark. Everything else was
written by the platform, with numbers or times of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from grader.policy.late import MARK as LATE

# The original name is the student's choice and comes last: what it says is never taken for a mark.
_CANVAS = re.compile(
    r"(?s)(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_(?P<upload>\d+)_"
    r"(?!assignsubmission_file)(?P<original>.+)"
)
_CANVAS_TEXT = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_(?P<id>\d{1,20})_text(?:-\d{1,6})?")
_MOODLE = re.compile(
    r"(?s)(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<original>.*)"
)
_BLACKBOARD = re.compile(
    r"(?s)(?P<head>.+?)_attempt_(?P<time>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<original>.*))?"
)
_BRIGHTSPACE = re.compile(
    r"(?P<numbers>\d{1,20}-\d{1,20}) ?- ?(?P<name>.{1,200}) ?- ?"
    r"(?P<time>[A-Za-z]{3,9} \d{1,2}, \d{4} \d{1,2}:?[-.]?\d\d ?[AP]M)"
)
_BRIGHTSPACE_TIMES = ("%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p")
_ILIAS = re.compile(r"[^_]+(?:_[^_]+){2,}_\d{1,20}")
_ILIAS_FILE = re.compile(r"(?P<time>\d{14})_.+")
_DIGITS = 20  # so that numbers of uploads are ordered as texts
_RESUBMITTED = re.compile(r"-\d+$")  # Canvas counts attempts behind the original name


@dataclass(frozen=True)
class Mark:
    """A name taken apart. ``owner`` names its author to everybody who reads the same platform."""

    platform: str
    owner: str
    original: str = ""
    # ISO 8601; from Canvas, which tells no time, the number of the upload, and that it is late
    handed_in: str = ""
    number: str = ""  # of the upload, where the platform counts uploads


def file_mark(stem: str, *, canvas: bool = True, text: bool = False) -> Mark | None:
    """Read a file's name; ``text``: it may be what somebody typed in Canvas and no upload."""
    match = _MOODLE.fullmatch(stem)
    if canvas and (by_canvas := _CANVAS.fullmatch(stem)):
        owner = f"{by_canvas['name']}_{by_canvas['id']}"
        number = by_canvas["upload"]
        told = f"upload {number:0>{_DIGITS}}{LATE if by_canvas['late'] else ''}"
        return Mark("canvas", owner, by_canvas["original"], told, number)
    if match:
        return Mark("moodle", f"{match['name']}_{match['id']}", match["original"])
    if match := _BLACKBOARD.fullmatch(stem):
        return Mark("blackboard", match["head"], match["original"] or "", _dashed(match["time"]))
    if canvas and text and (match := _CANVAS_TEXT.fullmatch(stem)):
        return Mark("canvas", f"{match['name']}_{match['id']}")
    return None


def folder_mark(name: str) -> Mark | None:
    """Read a folder's name."""
    if match := _MOODLE.fullmatch(name):
        return Mark("moodle", f"{match['name']}_{match['id']}")
    if match := _BRIGHTSPACE.fullmatch(name):
        owner = f"{match['name'].strip()}_{match['numbers']}"
        return Mark("brightspace", owner, "", _american(match["time"]))
    return None


def file_time(stem: str, folder: str) -> str:
    """Read the time that ILIAS writes before the name of a file, in a folder of its own."""
    match = _ILIAS_FILE.fullmatch(stem) if _ILIAS.fullmatch(folder) else None
    return _iso(match["time"], "%Y%m%d%H%M%S") if match else ""


def original_name(path: PurePosixPath) -> str:
    """Give what a student called a file that a platform put there, with its suffix.

    Args:
        path: as it is shown.
    """
    stem = path.name.removesuffix(path.suffix)
    for folder in path.parts[:-1]:
        if file_time(stem, folder):
            return f"{stem.partition('_')[2]}{path.suffix}"
    mark = file_mark(stem)
    if mark is None or not mark.original:
        return path.name
    own = without_count(mark.original) if mark.platform == "canvas" else mark.original
    return f"{own}{path.suffix}"


def without_count(original: str) -> str:
    """Take off how often Canvas was handed this file."""
    return _RESUBMITTED.sub("", original)


def _dashed(time: str) -> str:
    return _iso(time, "%Y-%m-%d-%H-%M-%S")


def _american(time: str) -> str:
    plain = re.sub(r"(?<=\d)[:.-](?=\d)", "", time)
    plain = re.sub(r" ?([AP]M)$", r" \1", plain)
    plain = re.sub(r" (\d{3}) (?=[AP]M)", r" 0\1 ", plain)
    return next(filter(None, (_iso(plain, form) for form in _BRIGHTSPACE_TIMES)), "")


def _iso(time: str, form: str) -> str:
    try:
        return datetime.strptime(time, form).isoformat()  # noqa: DTZ007 - a platform's own clock
    except ValueError:
        return ""
