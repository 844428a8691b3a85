"""Whatever a class hands in: every file is in one list, and nobody's depends on somebody else."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.collect.collect import Collected, collect
from grader.types import Message
from tests.support.notebook_files import notebook, raw, worded

IDS = frozenset({"sequence-prediction", "char-text"})
TITLES = {"char-text": ("글자 단위로 문장 이어 쓰기",)}
GOOD = raw(notebook("x = 1"))
Files = dict[str, bytes]
Class = list[tuple[str, Files]]
NAMES = [
    "김민준",
    "이서연",
    "Kim Minjun",
    "O'Brien Zoë",
    "박지후",
    "lee",
    "정하은",
    "20231234",
    "최종수",
]


def packed(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


ZIPPED = {"hw/homework.ipynb": GOOD, "hw/helper.py": b"x", "hw/.DS_Store": b""}
CONTENTS: dict[str, bytes] = {
    **{f"{name}.ipynb": GOOD for name in ("homework", "char-text", "char-text (1)", "hw_최종")},
    **{f"{name}.ipynb": GOOD for name in ("hw_진짜최종", "lee__char-text", "kim__char-text")},
    **{f"{name}.ipynb": GOOD for name in ("choi__char-text", "김민준_char-text")},
    **{f"{name}.ipynb": GOOD for name in ("HW_3_10_kim", "박지후", "글자 단위로 문장 이어 쓰기")},
    "broken.ipynb": b"{",
    "empty.ipynb": b"",
    "answer.json": GOOD,
    "data.json": b'{"a": 1}',
    "helper.py": b"x = 1",
    "report.pdf": b"%PDF",
    ".DS_Store": b"x",
    "._homework.ipynb": b"x",
    "hw.zip": packed(**ZIPPED),
    "images.zip": packed(**{"a.png": b"x"}),
    "damaged.zip": b"PK",
    "all.7z": b"7z",
}
INNER = ["", "", "", "v1/", "v2/", "old/", "최종/", "hw/", "과제 1/", "char-text/", "a/b/"]


def handed_in() -> st.SearchStrategy[Files]:
    one = st.tuples(st.sampled_from(INNER), st.sampled_from(sorted(CONTENTS)))
    return st.lists(one, min_size=1, max_size=6, unique=True).map(
        lambda some: {f"{inner}{name}": CONTENTS[name] for inner, name in some}
    )


def classes() -> st.SearchStrategy[Class]:
    person = st.tuples(st.sampled_from(NAMES), handed_in())
    return st.lists(person, min_size=3, max_size=7, unique_by=lambda one: one[0])


def folders(number: int, name: str) -> str:
    return f"{name}/"


def moodle(number: int, name: str) -> str:
    return f"{name}_{1200 + number}_assignsubmission_file_/"


def brightspace(number: int, name: str) -> str:
    return f"{7000 + number}-42 - {name} - Mar 3, 2026 105 PM/"


def ilias(number: int, name: str) -> str:
    return f"{name.replace(' ', '_')}_Vor_login{number}_{300 + number}/"


def nbgrader(number: int, name: str) -> str:
    return f"submitted/{name}/ps1/"


Kind = Callable[[int, str], str]
KINDS: list[Kind] = [folders, moodle, brightspace, ilias, nbgrader]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("classes")


def placed(kind: Kind, people: Class) -> Files:
    return {
        f"{kind(NAMES.index(name), name)}{path}": data
        for name, files in people
        for path, data in files.items()
    }


def gather(root: Path, files: Files) -> Collected:
    folder = root / "class"
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return collect([folder], exercise_ids=IDS, owed=None, titles=TITLES)


def listed(files: Files) -> Counter[str]:
    """The names of all that was handed in; what lies in a zip with notebooks by itself."""
    names = Counter[str]()
    for name, data in files.items():
        opened = data == CONTENTS["hw.zip"]
        names.update([f"{name}/{inner}" for inner in ZIPPED] if opened else [name])
    return names


def about(message: Message) -> str:
    return str(message.args.get("name") or message.args.get("entry"))


def is_a_file(found: Collected) -> list[str]:
    """Submissions that are files, and do not stand for a person without any."""
    nobody = {"nothing_in_it", "no_notebook_here", "no_notebook_py", "no_notebook_printed"}
    return [
        one.name
        for one in found.submissions
        if one.problem is None or worded(one.problem) not in nobody
    ]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(people=classes())
def test_every_file_that_was_handed_in_is_in_exactly_one_list(
    root: Path, kind: Kind, people: Class
) -> None:
    files = placed(kind, [*people, ("lee", {"homework.ipynb": GOOD})])
    found = gather(root, files)
    told = Counter(is_a_file(found))
    told.update(map(about, (*found.ignored, *found.refused)))
    assert told == listed(files)


def whose(found: Collected) -> dict[str, tuple[str, tuple[str, ...] | None]]:
    return {one.name: (one.student, one.exercises) for one in found.submissions if one.notebook}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(people=classes(), chosen=st.integers(0, 6))
def test_nobody_s_file_is_another_s_when_somebody_else_s_are_added_or_taken_away(
    root: Path, kind: Kind, people: Class, chosen: int
) -> None:
    people = [(name, {**files, "homework.ipynb": GOOD}) for name, files in people]
    left = [one for number, one in enumerate(people) if number != chosen % len(people)]
    every = whose(gather(root, placed(kind, people)))
    fewer = whose(gather(root, placed(kind, left)))
    assert fewer == {name: owner for name, owner in every.items() if name in fewer}
    assert len({student for student, _ in every.values()}) == len(people)


def test_what_a_person_hands_in_is_named_by_where_it_lies(root: Path) -> None:
    found = gather(root, placed(folders, [("lee", CONTENTS), ("박지후", {"a.pdf": b"%PDF"})]))
    names = {PurePosixPath(one.name).parts[0] for one in found.submissions}
    assert names == {"lee", "박지후"}
