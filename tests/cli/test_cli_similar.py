"""Work that is alike: both sides shown, no verdict anywhere else, the code for other programs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grader.record import notebook_file
from grader.record.store import Store
from grader.similarity.compare import MOST_PAIRS
from grader.submission import Cell, Notebook
from grader.types import Record, Verdict
from tests.cli.test_cli_by_hand import by_hand
from tests.similarity.test_compare import ODD, RENAMED, own
from tests.support import builders as b
from tests.support.cli_help import Said, Shell
from tests.support.course_help import course_of
from tests.support.detector_rules import dolos_takes, jplag_takes

LSTM, SEQUENCE = "multiplication-lstm", "sequence-prediction"


def keep(
    shell: Shell,
    student: str,
    *cells: str,
    weights: float | None = None,
    then_raised: bool = False,
) -> Record:
    """Keep a graded hand-in with its code, its weights (their own where none are given).

    ``then_raised``: beside its model layers of which none could be made, in the same cell.
    """
    made = tuple(Cell(n, source) for n, source in enumerate(cells, start=1))
    number = sum(map(ord, student)) if weights is None else weights
    losses = tuple(number / (n + 2) for n in range(8))
    model = b.evidence(train=b.training(losses))
    assert model.model is not None
    record = b.record(student, LSTM, evidence=model)
    run = b.execution(weights=(np.full((2, 3), number, np.float32),))
    (candidate,) = run.candidates
    object.__setattr__(candidate, "cell", model.model.cell)
    if then_raised:
        run = replace(run, candidates=(candidate, replace(candidate, final=(), raised=True)))
    store = Store(shell.out)
    store.save(record)
    store.save_execution(record.execution_key, run)
    notebook_file.write(shell.out, record.execution_key, Notebook(made, None, b.key_of(cells)))
    return record


@pytest.fixture
def shell(shell: Shell) -> Shell:
    for number in range(6):
        keep(shell, f"s{number}", own(number))
    keep(shell, "kim", own(20), ODD)
    keep(shell, "lee", RENAMED)
    return shell


def similar(shell: Shell, *arguments: object, lang: str = "en") -> Said:
    return shell("similar", "--out", shell.out, "--lang", lang, *arguments)


def page(shell: Shell) -> str:
    return (shell.out / "alike.html").read_text(encoding="utf-8")


def test_a_pair_is_shown_with_both_sides(shell: Shell) -> None:
    said = similar(shell)
    assert (said.code, said.err) == (0, "")
    assert "Pairs to look at: 1." in said.out
    text = page(shell)
    assert text.index("kim · lee") < text.index("scores[width]") < text.index("ergebnis[breite]")
    assert 'class="line rare"' in text
    assert "np.f3_1" not in text  # of those who are in no pair


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_exercise_of_a_pair_stands_beside_it(shell: Shell, lang: str) -> None:
    similar(shell, lang=lang)
    title = {"en": "The multiplication problem with LSTM", "ko": "LSTM으로 곱셈 문제 풀기"}[lang]
    assert f">{title}</td>" in page(shell)


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "nobody&#39;s verdict"), ("ko", "판정이 아닙니다")]
)
def test_the_page_says_that_it_is_no_verdict(shell: Shell, lang: str, said: str) -> None:
    assert similar(shell, lang=lang).code == 0
    assert said in page(shell)


def test_no_student_s_page_and_no_grade_says_anything_of_it(shell: Shell) -> None:
    similar(shell)
    shell("report", "--out", shell.out, "--lang", "en")
    assert "lee" not in (shell.out / "feedback" / "kim.html").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO((shell.out / "grades.csv").read_text("utf-8-sig")))
    assert {row["verdict"] for row in rows} == {"accepted"}


def test_equal_weights_under_different_code_are_told(shell: Shell) -> None:
    keep(shell, "choi", own(40), weights=7.0)
    keep(shell, "ho", own(41), weights=7.0, then_raised=True)
    similar(shell)
    text = page(shell)
    told = text[text.index('id="equal"') : text.index('id="pairs"')]
    assert "choi, ho" in told
    assert "loss curve, weights, to the last bit" in told


def test_whose_code_is_not_kept_is_named(shell: Shell) -> None:
    Store(shell.out).save(b.record("park", LSTM))
    said = similar(shell)
    assert said.code == 3
    assert "park/multiplication-lstm.ipynb" in said.err
    assert "park/multiplication-lstm.ipynb" in page(shell)


def test_what_was_no_notebook_had_no_code_to_keep(shell: Shell) -> None:
    nothing = b.grade(Verdict.MALFORMED, 0.0, ())
    Store(shell.out).save(b.record("park", LSTM, grade=nothing, evidence=None, attempts=()))
    assert (similar(shell).code, "park" in page(shell)) == (0, False)


def test_code_stays_text(shell: Shell) -> None:
    hostile = "\n# </code><script>alert(1)</script>{{ 7*7 }}"
    keep(shell, "mo", ODD + hostile)
    similar(shell)
    assert "<script" not in page(shell)
    assert "{{ 7*7 }}" in page(shell)


def test_jplag_takes_what_is_written_for_it(shell: Shell, tmp_path: Path) -> None:
    keep(shell, "Kim", own(50))  # another person, and the same name on some disks
    to = tmp_path / "detectors"
    assert similar(shell, "--to", to).code == 0
    submissions, base = jplag_takes(to / "submissions", to / "base-code")
    assert len(submissions) == 9  # one for each person
    assert len({name.casefold() for name in submissions}) == 9
    assert {len(files) for files in submissions.values()} == {1}
    (given,) = base
    told = given.read_text("utf-8")
    assert f"# {LSTM}-{LSTM}\n" in told
    assert f"# {LSTM}-reference\n" in told


def test_dolos_takes_what_is_written_for_it(shell: Shell, tmp_path: Path) -> None:
    keep(shell, '=cmd|"x", y', own(50))
    to = tmp_path / "detectors"
    similar(shell, "--to", to)
    found = dolos_takes(to / "info.csv")
    people = [*(f"s{n}" for n in range(6)), "kim", "lee", '\'=cmd|"x", y']
    assert sorted(found.names.values()) == sorted(people)
    assert found.ignored == to / "base-code" / "given.py"
    assert found.labels == {""}


class TestGroups:
    """People whom course.toml lets hand in together."""

    @pytest.fixture(autouse=True)
    def course(self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        place = tmp_path / "course"
        course_of(place, LSTM, SEQUENCE)
        group = '[[groups]]\nname = "team 1"\nmembers = ["kim", "lee", "mo"]\n'
        (place / "course.toml").write_text(group, "utf-8")
        monkeypatch.setenv("GRADER_COURSE", str(place))
        return place

    @pytest.mark.parametrize(
        ("lang", "said"), [("en", "hands in together"), ("ko", "함께 제출한다고")]
    )
    def test_members_are_no_pair_and_the_page_says_so(
        self, shell: Shell, lang: str, said: str
    ) -> None:
        assert similar(shell, lang=lang).code == 0
        assert said in page(shell)
        assert 'id="pairs"' not in page(shell)

    def test_nor_are_the_members_of_one_hand_in(self, shell: Shell, tmp_path: Path) -> None:
        """Each has a record of it, and the code stands in the export once."""
        to = tmp_path / "detectors"
        similar(shell, "--to", to)
        assert 'id="equal"' not in page(shell)
        names = dolos_takes(to / "info.csv").names.values()
        assert sorted(names) == [*("lee",), *(f"s{n}" for n in range(6))]

    def test_somebody_else_beside_a_member_is_a_pair(self, shell: Shell) -> None:
        keep(shell, "zoe", own(60), ODD)
        assert "Pairs to look at: 1." in similar(shell).out
        assert "lee · zoe" in page(shell)

    def test_another_exercise_of_theirs_is_not_shared(self, shell: Shell, course: Path) -> None:
        with (course / "course.toml").open("a") as rules:
            rules.write(f'exercises = ["{SEQUENCE}"]\n')
        similar(shell)
        assert "kim · lee" in page(shell)


def test_forgetting_takes_the_page_along(shell: Shell) -> None:
    similar(shell)
    assert by_hand(shell, "forget", "kim", "--yes").code in {0, 1}
    assert not (shell.out / "alike.html").exists()
    assert similar(shell).code == 0
    assert "kim" not in page(shell)


def test_where_there_are_more_pairs_than_are_listed_the_page_says_so(shell: Shell) -> None:
    similar(shell)
    assert "that share most are listed" not in page(shell)
    for number in range(12):
        keep(shell, f"t{number}", own(80))
    similar(shell)
    assert f"Only the {MOST_PAIRS} that share most are listed." in page(shell)
