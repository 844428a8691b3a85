"""What students receive around their notebooks, and a part of the course."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from grader import __version__
from grader.authoring.around import PACKAGES, Published
from grader.authoring.bundle import MANIFEST, Plan, release
from grader.authoring.own_wheel import GRADER
from grader.course.exercises import Course
from grader.course.load import load_course
from grader.text.words import Words
from grader.types import GraderError
from tests.support.course_help import course_of

ROOT = Path(__file__).resolve().parents[2]
HANGUL = re.compile("[가-힣]")
LSTM, GRU = "multiplication-lstm", "multiplication-gru"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return course_of(tmp_path / "course", "sequence-prediction", LSTM, GRU)


def released(course: Course, out: Path, plan: Plan | None = None) -> dict[str, str]:
    """Release; gives the text of every file that is one."""
    texts = {}
    for path in release(course, out, plan):
        try:
            texts[path.relative_to(out).as_posix()] = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return texts


class TestReadme:
    def test_both_languages_tell_the_same_and_name_each_other(
        self, course: Course, tmp_path: Path
    ) -> None:
        files = released(course, tmp_path / "out")
        english, korean = files["README.md"], files["README.ko.md"]
        assert not HANGUL.search(english.replace("한국어", ""))
        assert HANGUL.search(korean)
        assert "(README.ko.md)" in english
        assert "(README.md)" in korean
        for told in (english, korean):
            assert "{" not in told
            assert f"./{GRADER}[student]" in told
            assert f"| `{GRADER}` |" in told
            assert "grader check assignments/sequence-prediction/sequence-prediction.ipynb" in told
            assert "--fast --watch" in told
            for exercise in course.exercises:
                assert f"(assignments/{exercise}/{exercise}.ipynb)" in told
        code = [re.findall(r"```sh\n(.*?)```", told, re.DOTALL) for told in (english, korean)]
        commands = [re.sub(r" *#.*", "", "".join(one)) for one in code]
        assert commands[0] == commands[1]

    def test_what_the_course_says_of_dates_and_points_stands_in_it(
        self, course: Course, tmp_path: Path
    ) -> None:
        (course.root / "course.toml").write_text(
            f'time_zone = "Asia/Seoul"\nattempts = "best"\n[late]\nper_day = 10\nmost = 50\n'
            f"[exercise.{LSTM}]\ndue = 2026-05-01T18:00:00\npoints = 10\n"
            '[[extensions]]\nstudent = "zoe"\ndays = 3\n',
            "utf-8",
        )
        files = released(load_course(course.root), tmp_path / "out")
        english, korean = files["README.md"], files["README.ko.md"]
        (row,) = [one for one in english.splitlines() if one.startswith(f"| [{LSTM}]")]
        assert row.endswith("| 100 | 2026-05-01 18:00 | 10 |")
        (other,) = [one for one in english.splitlines() if one.startswith(f"| [{GRU}]")]
        assert other.endswith("| 100 | – | – |")
        assert "All times are those of Asia/Seoul. Late work loses 10 % of the points" in english
        assert "the best one counts, after lateness" in english
        assert "배점의 10%를 감점하며" in korean
        assert "zoe" not in english + korean

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ("", "release.readme_last"),
            ('attempts = "last"', "rules.attempts_last"),
            ('attempts = "best"', "rules.attempts_best"),
            ('attempts = "last_in_time"', "rules.attempts_last_in_time"),
        ],
    )
    def test_which_hand_in_counts_is_left_open_only_where_the_course_leaves_it_open(
        self, course: Course, tmp_path: Path, said: str, sentence: str
    ) -> None:
        (course.root / "course.toml").write_text(f'name = "RNN"\n{said}\n', "utf-8")
        files = released(load_course(course.root), tmp_path / "out")
        for name, lang in (("README.md", "en"), ("README.ko.md", "ko")):
            assert Words(lang)(sentence) in files[name]
            open_ = Words(lang)("release.readme_last")
            assert (open_ in files[name]) is (sentence == "release.readme_last")

    def test_where_it_says_nothing_nothing_is_said(self, course: Course, tmp_path: Path) -> None:
        english = released(course, tmp_path / "out")["README.md"]
        assert "| exercise | about | points |\n|---|---|---:|\n" in english
        assert "Late work" not in english

    @pytest.mark.parametrize(
        ("exercises", "said"),
        [
            (("sequence-prediction",), ""),
            ((LSTM,), "The accuracy on new data is known only"),
            (("sequence-prediction", LSTM), f"In some exercises accuracy .* \\({LSTM}\\)"),
        ],
    )
    def test_accuracy_is_spoken_of_where_it_earns_points(
        self, exercises: tuple[str, ...], said: str, course: Course, tmp_path: Path
    ) -> None:
        told = released(course, tmp_path / "out", Plan(exercises))["README.md"]
        assert re.search(said, told) if said else "accuracy" not in told.lower()

    def test_it_says_how_to_ask_in_the_other_language(self, course: Course, tmp_path: Path) -> None:
        for told in released(course, tmp_path / "out").items():
            if told[0].startswith("README"):
                assert "lang='ko'" in told[1]
                assert "--lang ko" in told[1]

    def test_one_language_is_one_file(self, course: Course, tmp_path: Path) -> None:
        files = released(course, tmp_path / "out", Plan(languages=("ko",)))
        assert HANGUL.search(files["README.md"])
        assert "README.ko.md" not in files
        assert "English" not in files["README.md"]

    def test_it_names_the_packages_own_wheel(self, course: Course, tmp_path: Path) -> None:
        out = tmp_path / "out"
        files = released(course, out)
        (packed,) = out.glob("grader_course-*.whl")
        assert packed.name in files["README.md"]
        assert __version__ in files["README.md"]

    def test_what_somebody_wrote_or_changed_stays(self, course: Course, tmp_path: Path) -> None:
        out = tmp_path / "out"
        released(course, out)
        (out / "README.md").write_text("ours")
        (out / "README.ko.md").write_text("old")
        manifest = json.loads((out / MANIFEST).read_text("utf-8"))
        del manifest["files"]["requirements.txt"]  # as a release of before wrote none
        (out / MANIFEST).write_text(json.dumps(manifest))
        (out / "requirements.txt").write_text("numpy\n")
        for _ in range(2):
            files = released(course, out)
            assert (out / "README.md").read_text() == "ours"
            assert (out / "requirements.txt").read_text() == "numpy\n"
            assert not {"README.md", "README.ko.md", "requirements.txt"} & files.keys()

    def test_what_no_release_wrote_stays_wherever_it_lies(
        self, course: Course, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        released(course, out)
        own = out / "assignments" / GRU / "extra.ipynb"
        own.write_text("{}")
        files = released(course, out, Plan(exercises=(LSTM,)))
        assert own.read_text() == "{}"
        assert [path.name for path in own.parent.iterdir()] == ["extra.ipynb"]
        assert not (out / "assignments/sequence-prediction").exists()
        assert f"assignments/{LSTM}/{LSTM}.ipynb" in files

    def test_what_a_release_wrote_is_replaced(self, course: Course, tmp_path: Path) -> None:
        out = tmp_path / "out"
        released(course, out)
        files = released(course, out, Plan(exercises=(LSTM,), languages=("en",)))
        assert GRU not in files["README.md"]
        assert not (out / "README.ko.md").exists()


def test_packages_are_those_that_notebooks_run_with(course: Course, tmp_path: Path) -> None:
    (course.root / "course.toml").write_text('packages = ["konlpy>=0.6"]\n')
    told = released(load_course(course.root), tmp_path / "out")["requirements.txt"].splitlines()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    room = extras["project"]["optional-dependencies"]["room"]
    assert set(PACKAGES) - set(room) == {"jupyterlab>=4"}
    assert told == [*PACKAGES, "konlpy>=0.6"]


class TestPart:
    def test_data_that_are_not_in_it_are_not_spoken_of(
        self, course: Course, tmp_path: Path
    ) -> None:
        lines = (
            "Weather. <!-- temperature-* -->",
            "Numbers. <!-- multiplication-* x-* -->",
            "All. <!-- so -->",
        )
        listed = "".join(f"{line}\n" for line in lines)
        (course.root / "assignments/README.md").write_text(listed)
        told = released(course, tmp_path / "out", Plan((GRU,)))["assignments/README.md"]
        assert told == "Numbers.\nAll. <!-- so -->\n"

    def test_no_other_exercise_is_anywhere_in_it(self, course: Course, tmp_path: Path) -> None:
        (course.root / "course.toml").write_text(
            'time_zone = "+09:00"\n'
            f"[exercise.{LSTM}]\ndue = 2026-05-01\n[exercise.{GRU}]\ndue = 2026-05-08\n"
        )
        out = tmp_path / "out"
        files = released(load_course(course.root), out, Plan(exercises=(LSTM,)))
        assert "| 2026-05-01 24:00 |" in files["README.md"]
        assert not [name for name in files if GRU in name]
        assert not [name for name, text in files.items() if GRU in text]
        students = load_course(out)
        assert list(students.exercises) == [LSTM]

    def test_a_mistyped_one_is_told(self, course: Course, tmp_path: Path) -> None:
        with pytest.raises(GraderError) as caught:
            release(course, tmp_path / "out", Plan(exercises=("multiplication-ltsm",)))
        assert caught.value.message.id == "course.unknown_exercise_near"


class TestColab:
    PUBLISHED = Published("owner/rnn", "main", "students")

    def notebook(self, course: Course, out: Path, published: Published) -> list[dict[str, str]]:
        released(course, out, Plan(published=published))
        path = out / "assignments" / LSTM / f"{LSTM}.ipynb"
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return [{**one, "source": "".join(one["source"])} for one in cells]

    def test_a_picture_at_the_top_opens_this_notebook(self, course: Course, tmp_path: Path) -> None:
        first = self.notebook(course, tmp_path / "out", self.PUBLISHED)[0]
        place = f"owner/rnn/blob/main/students/assignments/{LSTM}/{LSTM}.ipynb"
        assert f"(https://colab.research.google.com/github/{place})" in first["source"]

    def test_a_cell_gets_both_packages(self, course: Course, tmp_path: Path) -> None:
        out = tmp_path / "out"
        cell = self.notebook(course, out, self.PUBLISHED)[1]
        (packed,) = out.glob("grader_course-*.whl")
        raw = "https://raw.githubusercontent.com/owner/rnn/main/students/"
        assert repr(raw + packed.name) in cell["source"]
        assert repr(raw + GRADER) in cell["source"]

    def test_it_does_nothing_elsewhere(self, course: Course, tmp_path: Path) -> None:
        cell = self.notebook(course, tmp_path / "out", self.PUBLISHED)[1]
        names: dict[str, object] = {}
        exec(compile(cell["source"], "cell", "exec"), names)
        assert names.keys() <= {"__builtins__", "sys"}

    def test_the_graders_package_may_be_elsewhere(self, course: Course, tmp_path: Path) -> None:
        elsewhere = Published("owner/rnn", wheel="https://example.org/g.whl")
        assert (
            "'https://example.org/g.whl'"
            in self.notebook(course, tmp_path / "out", elsewhere)[1]["source"]
        )

    def test_the_data_come_by_it_too(self, tmp_path: Path) -> None:
        from grader.authoring.release import made_for

        whole = load_course(ROOT)
        made = made_for(whole, whole.exercises["temperature-gru"], self.PUBLISHED, "c.whl")
        cells = json.loads(made["temperature-gru.ipynb"])["cells"]
        assert "['weather.csv.zip']" in "".join(cells[1]["source"])

    def test_where_nothing_is_published_notebooks_are_as_they_were(
        self, course: Course, tmp_path: Path
    ) -> None:
        released(course, tmp_path / "out")
        name = f"assignments/{LSTM}/{LSTM}.ipynb"
        assert (tmp_path / "out" / name).read_bytes() == (ROOT / name).read_bytes()
