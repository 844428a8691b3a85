"""What fuzzing found, each as small as it goes, so that it stays found."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.code.engines import fixes_seeds, needs_tensorflow
from grader.collect.collect import collect
from grader.extract.architecture import read_architecture
from grader.extract.keras_config import NotRebuildableError
from grader.score.hints_runs import diagnose_source
from grader.submission import Cell, Notebook
from grader.types import Json

DEEP = 3000
MANY = 3000


def read(source: str) -> None:
    """Read a cell as the judge does."""
    notebook = Notebook((Cell(1, source),), None, "0" * 64)
    needs_tensorflow(notebook)
    fixes_seeds(notebook)
    diagnose_source(notebook)


def calls_to_read(source: str) -> int:
    """How many functions are called for it: the same on any machine, however busy."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read(source)
    finally:
        sys.setprofile(before)
    return calls


def grows_with_its_length_only(source: Callable[[int], str]) -> bool:
    """Twice as much takes about twice as long; what is compared with each other takes four times."""
    return calls_to_read(source(MANY)) < 3 * calls_to_read(source(MANY // 2))


@pytest.mark.parametrize(
    "source",
    [
        "x = a" + "()" * DEEP + ".numpy()",
        "x = (" + "a + " * DEEP + "model(b)).numpy()",
        "model.fit((" + "a+" * DEEP + "a)[:9], y)\nmodel.predict((" + "a+" * DEEP + "a)[:9])",
    ],
    ids=["calls", "sums", "slices"],
)
def test_a_deep_expression_is_no_fault_of_the_graders(source: str) -> None:
    read(source)


def test_functions_defined_and_handed_over_many_times_are_read_once() -> None:
    def source(many: int) -> str:
        return "def loss(): tf.x\n" * many + "model.compile(" + "loss, " * many + ")"

    assert grows_with_its_length_only(source)


def test_a_folder_whose_name_is_invisible_does_not_make_a_path_look_absolute(
    tmp_path: Path,
) -> None:
    path = tmp_path / "handed-in.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("\u202e/kim.ipynb", "\u200b/kim.ipynb", "a/\u200b/lee.ipynb"):
            archive.writestr(name, '{"nbformat": 4, "cells": []}')
    found = collect([path], exercise_ids=(), owed=None).submissions
    assert {one.name for one in found} == {
        *("handed-in/?/kim.ipynb", "handed-in/?/kim.ipynb (2)", "a/?/lee.ipynb"),
    }
    assert len({one.student for one in found}) == 3


def test_thousands_of_unknown_names_are_not_compared_with_each_other() -> None:
    def all_known(many: int) -> str:
        return "\n".join(f"name_{i} = value_{i * 7919 % many}" for i in range(many))

    def few_known(many: int) -> str:
        few = "\n".join(f"name_{i} = 1" for i in range(900))
        return few + "\n" + "\n".join(f"nmae_{i}x" for i in range(many))

    assert grows_with_its_length_only(all_known)
    little, some, much = (calls_to_read(few_known(many)) for many in (MANY // 4, MANY // 2, MANY))
    assert much - some < 3 * (some - little)  # twice as much, where nothing is compared


def test_settings_in_endless_lists_are_no_fault_of_the_graders() -> None:
    deep: Json = 1
    for _ in range(DEEP):
        deep = [deep]
    dense: Json = {"class_name": "Dense", "config": {"units": 1, "activation": deep, "name": deep}}
    first: Json = {"class_name": "InputLayer", "config": {"batch_shape": [None, 2], "dtype": deep}}
    config: Json = {"name": "m", "layers": [first, dense]}
    with pytest.raises(NotRebuildableError):
        read_architecture({"class_name": "Sequential", "config": config})
    for cls, key in (("LSTM", "dropout"), ("Bidirectional", "merge_mode"), ("Dropout", "rate")):
        layer: Json = {"class_name": cls, "config": {"units": 1, key: deep, "layer": dense}}
        whole: Json = {"name": "m", "layers": [first, layer]}
        with pytest.raises(NotRebuildableError):
            read_architecture({"class_name": "Sequential", "config": whole})
