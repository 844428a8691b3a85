"""What fuzzing found, each as small as it goes, so that it stays found."""

from __future__ import annotations

import zipfile
from pathlib import Path

from grader.collect import collect


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
