"""A section without students' folders is one student, which is told; of a student's it is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from grader.collect.collect import Collected, collect
from grader.report.attendance import perhaps
from grader.report.roster import read_roster
from grader.text.words import Words
from tests.support.notebook_files import notebook, worded, write

IDS = frozenset({"char-text", "sequence-prediction"})
KNOWN = notebook("x = 1", metadata={"grader": {"exercise": "char-text"}})


def of_the_roster(names: Collection[str]) -> Mapping[str, Sequence[str]]:
    people = "Name,Number\nKIM,20231234\nLEE,20235678\nPARK,20239999\nMinjun Choi,20230001\n"
    return perhaps(names, read_roster(people))


def gather(folder: Path, *names: str, document: Any = None, **given: Any) -> Collected:
    for name in names:
        write(folder / name, document)
    found = collect([folder], exercise_ids=IDS, owed=None, **given)
    for message in found.notes:
        worded(message)
    return found


def told(found: Collected) -> list[Mapping[str, object]]:
    return [one.args for one in found.notes if one.id == "collect.many_names"]


@pytest.mark.parametrize("many", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("section", ["{}반", "A{} 분반", "분반{}", "Section {}", "class{}"])
def test_a_folder_called_as_a_section_with_notebooks_of_several_names_is_told(
    tmp_path: Path, many: int, section: str
) -> None:
    first, second = section.format(1), section.format(2)
    names = [f"{folder}/{who}.ipynb" for folder in (first, second) for who in "pqrstuvwx"[:many]]
    found = gather(tmp_path, *names, f"{second}/char-text.ipynb")
    assert {one.student for one in found.submissions} == {first, second}
    assert told(found) == [{"folders": f"{first}, {second}", "count": 2 * many}]


@pytest.mark.parametrize(
    "names",
    [
        ["KIM.ipynb", "LEE.ipynb"],
        ["KIM_char-text.ipynb", "char-text-LEE (1).ipynb"],
        ["HW3_20231234_김민준.ipynb", "HW3_20235678_이서연.ipynb"],
        ["char-text/KIM.ipynb", "char-text/LEE.ipynb"],
    ],
)
def test_so_are_names_beside_one_exercise_whatever_the_folder_is_called(
    tmp_path: Path, names: list[str]
) -> None:
    inside = [f"{folder}/{name}" for folder in ("morning", "evening") for name in names]
    found = gather(tmp_path, *inside, document=KNOWN)
    assert told(found) == [{"folders": "evening, morning", "count": 4}]


def test_so_are_five_names_that_no_other_folder_has(tmp_path: Path) -> None:
    names = [f"{folder}/{who}{folder}.ipynb" for folder in ("morning", "night") for who in "abcde"]
    assert told(gather(tmp_path, *names)) == [{"folders": "morning, night", "count": 10}]


def test_so_are_two_people_of_the_roster_whatever_they_answer(tmp_path: Path) -> None:
    names = ["KIM", "HW3_20235678_a", "tries"]
    inside = [f"morning/{name}.ipynb" for name in names] + ["evening/hw.ipynb"]
    assert told(gather(tmp_path, *inside)) == []
    found = gather(tmp_path, *inside, whom=of_the_roster)
    assert told(found) == [{"folders": "morning", "count": 3}]


@pytest.mark.parametrize("many", [2, 5])
def test_so_are_they_in_a_folder_called_as_something_else_of_the_roster(
    tmp_path: Path, many: int
) -> None:
    names = ["KIM", "LEE", "PARK", "Choi Minjun", "Jung Haeun"][:many]
    rows = [f"{number + 1},{name}" for number, name in enumerate(names)]
    roster = read_roster("\n".join(["No,Name", *rows]))
    inside = [f"{section}/{name}.ipynb" for section in (1, 2) for name in names]
    found = gather(tmp_path, *inside, whom=partial(perhaps, roster=roster))
    assert told(found) == [{"folders": "1, 2", "count": 2 * many}]


IN_FOLDERS = ["KIM/KIM_hw", "LEE/LEE_hw", "PARK/PARK_hw"]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    ("names", "count"),
    [
        (IN_FOLDERS, 3),  # in none of the folders is the same handed in
        (["KIM/hw", "LEE/hw", "PARK"], 3),  # one has no folder
        (["KIM/hw/v1", "KIM/hw/v2", "LEE/KIM"], 3),
    ],
)
def test_so_are_students_folders_that_were_not_taken_for_students(
    tmp_path: Path, names: list[str], count: int, lang: str
) -> None:
    inside = [f"1반/{name}.ipynb" for name in names] + ["2반/CHOI.ipynb"]
    found = gather(tmp_path, *inside)
    assert {one.student for one in found.submissions} == {"1반", "2반"}
    assert told(found) == [{"folders": "1반", "count": count}]
    (note,) = [one for one in found.notes if one.id == "collect.many_names"]
    assert {"en": "folder in it", "ko": "안의 폴더"}[lang] in Words(lang).say(note)


def test_so_are_such_folders_of_people_on_the_roster_whatever_the_section_is_called(
    tmp_path: Path,
) -> None:
    inside = [f"morning/{name}.ipynb" for name in IN_FOLDERS] + ["evening/CHOI.ipynb"]
    assert told(gather(tmp_path, *inside)) == []
    found = gather(tmp_path, *inside, whom=of_the_roster)
    assert told(found) == [{"folders": "morning", "count": 3}]


def test_whoever_is_on_the_roster_is_one_student_whatever_the_files_are_called(
    tmp_path: Path,
) -> None:
    inside = [f"{who}/{name}.ipynb" for who in ("KIM", "20235678_LEE") for name in ("try", "plots")]
    assert len(told(gather(tmp_path, *inside, document=KNOWN))) == 1
    assert told(gather(tmp_path, *inside, document=KNOWN, whom=of_the_roster)) == []


@pytest.mark.parametrize(
    "names",
    [
        [f"{who}/week{week}.ipynb" for who in ("kim", "lee") for week in range(9)],
        ["kim/a.ipynb", "kim/b.ipynb", "kim/c.ipynb", "kim/d.ipynb", "lee/e.ipynb"],
        [f"kim/char-text ({n}).ipynb" for n in range(9)] + ["lee/char-text.ipynb"],
        ["kim/char-text.ipynb", "kim/sequence-prediction.ipynb", "lee/char-text.ipynb"],
        ["kimminjun/kim_1.ipynb", "kimminjun/tries.ipynb", "kimminjun/more.ipynb", "lee/x.ipynb"],
        ["kim/text.ipynb", "kim/my_sequence.ipynb", "kim/homework.ipynb", "lee/x.ipynb"],
        ["kim/old/a.ipynb", "kim/final/b.ipynb", "lee/x.ipynb"],
        ["kim/first/a.ipynb", "kim/second/b.ipynb", "lee/x.ipynb"],
        [
            f"kim/{part}/{part}.ipynb"
            for part in ("week1", "week 2", "hw", "과제", "v2", "char-text")
        ]
        + ["lee/x.ipynb"],
        ["kim__char-text.ipynb", "lee__char-text.ipynb"],
    ],
)
def test_what_one_student_leaves_in_a_folder_is_not_told(tmp_path: Path, names: list[str]) -> None:
    assert told(gather(tmp_path, *names)) == []


@pytest.mark.parametrize("names", [["v1", "v2"], ["hw", "hw (1)"], ["homework", "tries"]])
def test_nor_are_copies_and_versions_of_one_exercise(tmp_path: Path, names: list[str]) -> None:
    inside = [f"kim/{name}.ipynb" for name in names] + ["lee/hw.ipynb"]
    assert told(gather(tmp_path, *inside, document=KNOWN)) == []


def test_nor_are_one_student_s_folders_with_one_exercise(tmp_path: Path) -> None:
    inside = [f"kim/{name}/hw.ipynb" for name in ("laptop", "server")] + ["lee/hw.ipynb"]
    assert told(gather(tmp_path, *inside, document=KNOWN)) == []


def test_where_a_platform_says_whose_the_folder_is_nothing_is_told(tmp_path: Path) -> None:
    folder = "Kim_Minjun_kim01_1234"
    names = [f"{folder}/20260501102030_{name}.ipynb" for name in ("tries", "plots")]
    assert told(gather(tmp_path, *names, "Lee_S_l_1235/20260501102030_x.ipynb")) == []


def test_files_named_as_others_are_told_by_themselves(tmp_path: Path) -> None:
    names = [f"morning/{who}__char-text.ipynb" for who in ("KIM", "LEE")]
    found = gather(tmp_path, *names, "evening/char-text.ipynb")
    assert [one.id for one in found.notes if one.id != "collect.attempts_by_name"] == [
        "collect.several_named"
    ]


class TestCapitals:
    def test_names_that_differ_by_capitals_alone_are_two_students_and_told(
        self, tmp_path: Path
    ) -> None:
        names = ["KIM__char-text", "sequence-prediction-kim", "lee__char-text", "Kim"]
        found = gather(tmp_path, *(f"{name}.ipynb" for name in names))
        assert {one.student for one in found.submissions} == {"KIM", "kim", "lee", "Kim"}
        (note,) = found.notes
        assert (note.id, note.args) == ("collect.alike_names", {"names": "KIM / Kim / kim"})

    def test_one_name_is_not_told(self, tmp_path: Path) -> None:
        names = ["KIM__char-text", "sequence-prediction-KIM", "lee__char-text"]
        assert gather(tmp_path, *(f"{name}.ipynb" for name in names)).notes == ()
