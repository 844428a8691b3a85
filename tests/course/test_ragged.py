"""Arrays of lists are read without unpickling anything."""

from __future__ import annotations

import numpy as np
import pytest

from grader.course.ragged import read_ragged


def ragged(rows):
    array = np.empty(len(rows), dtype=object)
    for number, row in enumerate(rows):
        array[number] = row
    return array


@pytest.mark.parametrize("rows", [[[1, 2, 300], [70000]], [[5]], [[1] * 3000, [2] * 1500, [3]]])
def test_lists_come_out_as_they_went_in(tmp_path, rows):
    np.savez(tmp_path / "a.npz", x=ragged(rows), y=np.arange(len(rows)))
    found = read_ragged(tmp_path / "a.npz")
    assert found == {"x": rows, "y": list(range(len(rows)))}


def test_a_list_that_stands_twice_is_read_twice(tmp_path):
    row = [1, 2, 3]
    np.savez(tmp_path / "a.npz", x=ragged([row, [4], row]))
    assert read_ragged(tmp_path / "a.npz")["x"] == [[1, 2, 3], [4], [1, 2, 3]]


class Trap:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_what_would_run_code_is_refused_and_does_not_run(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", x=ragged([Trap(), [1]]))
    with pytest.raises(ValueError, match="not an array of lists"):
        read_ragged(tmp_path / "a.npz")
    assert capsys.readouterr().out == ""
