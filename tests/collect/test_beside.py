"""A student's own files: beside the notebook, within bounds, and in nobody's way."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from grader import environment
from grader.collect import beside
from grader.collect.beside import shadowed
from grader.collect.collect import collect
from grader.collect.stored import Stored, read_again
from grader.submission import Submission
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw, worded, write

IDS = frozenset({"multiplication-lstm", "char-text"})
HELPER = b"X = 1\n"


def place(path: Path, data: bytes = HELPER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def gathered(*paths: Path) -> dict[str, Submission]:
    found = collect(paths, exercise_ids=IDS, owed=None)
    for one in found.submissions:
        for note in one.notes:
            worded(note)
    return {one.name: one for one in found.submissions}


def files(one: Submission) -> list[str]:
    return [file.name for file in one.files]


def told(one: Submission) -> list[str]:
    return [note.id.removeprefix("collect.") for note in one.notes]


def test_files_in_the_notebook_s_folder_and_below_are_given(tmp_path):
    write(tmp_path / "kim" / "hw" / "char-text.ipynb")
    place(tmp_path / "kim" / "hw" / "helper.py")
    place(tmp_path / "kim" / "hw" / "data" / "x.csv", b"1")
    place(tmp_path / "kim" / "above.py")
    write(tmp_path / "lee" / "char-text.ipynb")
    place(tmp_path / "lee" / "answers.py")
    found = gathered(tmp_path)
    assert files(found["kim/hw/char-text.ipynb"]) == ["helper.py", "data/x.csv"]
    assert files(found["lee/char-text.ipynb"]) == ["answers.py"]


def test_one_s_own_folder_given_alone_is_all_one_s_own(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    place(tmp_path / "kim" / "helper.py")
    place(tmp_path / "kim" / "data" / "x.csv")
    assert files(gathered(tmp_path / "kim")["char-text.ipynb"]) == ["helper.py", "data/x.csv"]


def test_beside_the_notebooks_of_a_class_a_file_is_nobody_s(tmp_path):
    for student in ("kim", "lee"):
        write(tmp_path / f"{student}.ipynb")
    place(tmp_path / "helper.py")
    found = collect([tmp_path], exercise_ids=IDS, owed=None)
    assert [files(one) for one in found.submissions] == [[], []]
    assert [worded(note) for note in found.notes] == ["loose_files"]


@pytest.mark.parametrize(
    ("notebook_name", "file", "other"),
    [
        ("kimminjun_12_345_my.ipynb", "kimminjun_12_346_helper.py", "lee_13_347_helper.py"),
        (
            "hw_kim01_attempt_2026-03-01-10-20-30_my.ipynb",
            "hw_kim01_attempt_2026-03-01-10-20-30_helper.py",
            "hw_kim01_attempt_2026-03-02-10-20-30_helper.py",
        ),
        (
            "김_12_assignsubmission_file_my.ipynb",
            "김_12_assignsubmission_file_helper.py",
            "이_13_assignsubmission_file_helper.py",
        ),
    ],
)
def test_a_platform_s_names_tell_whose_a_file_is_and_what_it_was_called(
    tmp_path, notebook_name, file, other
):
    write(tmp_path / notebook_name)
    place(tmp_path / file)
    place(tmp_path / other, b"X = 2\n")
    one = gathered(tmp_path)[notebook_name]
    assert [(each.name, each.digest) for each in one.files] == [
        ("helper.py", hashlib.sha256(HELPER).hexdigest())
    ]


def test_a_file_in_a_zip_of_one_s_own_is_given_and_read_again(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("hw/char-text.ipynb", raw(notebook("x")))
        archive.writestr("hw/helper.py", HELPER)
    place(tmp_path / "kim" / "hw.zip", held.getvalue())
    write(tmp_path / "lee" / "char-text.ipynb")
    (file,) = gathered(tmp_path)["kim/hw.zip/hw/char-text.ipynb"].files
    assert file.name == "helper.py"
    assert read_again(Stored(file.path, file.inside), file.digest) == HELPER


def test_a_file_that_was_changed_meanwhile_is_no_fault_of_its_author(tmp_path):
    write(tmp_path / "kim" / "char-text.ipynb")
    path = place(tmp_path / "kim" / "helper.py")
    (file,) = gathered(tmp_path)["kim/char-text.ipynb"].files
    for change in (lambda: path.write_bytes(b"X = 2\n"), path.unlink):
        change()
        with pytest.raises(GraderError) as caught:
            read_again(Stored(file.path, file.inside), file.digest)
        assert worded(caught.value.message) == "file_gone"


@pytest.mark.parametrize(
    "name",
    [
        *("tensorflow.py", "json.py", "grader.py", "probe.py", "numpy/__init__.py", "keras.pyc"),
        *("grader/x.py", "random.so", "lacks/__init__.py", "data_files.py"),
        *("google.py", "google/__init__.py", "mpl_toolkits.py", "random/__init__.py", "keras.so"),
    ],
)
def test_a_file_that_would_hide_a_module_is_left_out_and_told(tmp_path, name):
    write(tmp_path / "kim" / "char-text.ipynb")
    place(tmp_path / "kim" / name)
    one = gathered(tmp_path)["kim/char-text.ipynb"]
    assert files(one) == []
    assert told(one) == ["file_shadows"]


@pytest.mark.parametrize(
    "name",
    ["helper.py", "utils.py", "data/json.csv", "tensorflow.csv", "my.h5", "googol/__init__.py"],
)
def test_other_files_hide_nothing(name):
    assert shadowed(name) is None


def test_too_large_and_too_many_files_are_left_out_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "MOST_BYTES", 100)
    monkeypatch.setattr(beside, "MOST_TOGETHER", 250)
    monkeypatch.setattr(beside, "MOST_FILES", 3)
    write(tmp_path / "kim" / "char-text.ipynb")
    place(tmp_path / "kim" / "large.csv", bytes(101))
    for number in range(3):
        place(tmp_path / "kim" / f"{number}.csv", bytes(100))
    place(tmp_path / "kim" / "small.csv", b"1")
    one = gathered(tmp_path)["kim/char-text.ipynb"]
    assert files(one) == ["small.csv", "0.csv", "1.csv"]
    assert told(one) == ["file_too_large", "file_too_large"]
    monkeypatch.setattr(beside, "MOST_TOGETHER", 1000)
    assert told(gathered(tmp_path)["kim/char-text.ipynb"]) == ["too_many_beside", "file_too_large"]


def test_a_link_is_not_followed(tmp_path):
    secret = place(tmp_path.parent / f"{tmp_path.name}-secret.py")
    write(tmp_path / "kim" / "char-text.ipynb")
    (tmp_path / "kim" / "helper.py").symlink_to(secret)
    one = gathered(tmp_path)["kim/char-text.ipynb"]
    assert (files(one), told(one)) == ([], ["file_unreadable"])


@pytest.mark.parametrize("name", ["..", ".", ".bashrc", "x" * 260 + ".py", "..py"])
def test_no_name_leads_out_of_the_room_or_breaks_it(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("kimminjun_12_345_my.ipynb", raw(notebook("x")))
        archive.writestr(f"kimminjun_12_346_{name}", HELPER)
        archive.writestr("lee_13_347_my.ipynb", raw(notebook("x")))
    assert [files(one) for one in gathered(tmp_path / "class.zip").values()] == [[], []]


def test_a_name_that_is_a_file_and_a_folder_costs_nobody_a_run(tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("kim/my.ipynb", raw(notebook("x")))
        archive.writestr("kim/data", HELPER)
        archive.writestr("kim/data/x.csv", b"1")
        archive.writestr("lee/my.ipynb", raw(notebook("x")))
    assert files(gathered(tmp_path / "class.zip")["kim/my.ipynb"]) == ["data/x.csv"]


def test_what_a_module_is_called_is_looked_up_once_for_all(tmp_path, monkeypatch):
    looked, modules = [], environment.modules
    monkeypatch.setattr(environment, "modules", lambda: looked.append(1) or modules())
    beside._modules.cache_clear()
    for number in range(9):
        write(tmp_path / f"student{number}" / "char-text.ipynb")
        place(tmp_path / f"student{number}" / "helper.py")
    assert all(files(one) == ["helper.py"] for one in gathered(tmp_path).values())
    assert looked == [1]
