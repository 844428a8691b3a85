"""What a notebook imports and reads, from its code alone."""

from __future__ import annotations

import pytest

from grader.code.needs import needs
from grader.submission import Cell, Notebook


def notebook(*sources: str) -> Notebook:
    cells = tuple(Cell(index, source) for index, source in enumerate(sources, start=1))
    return Notebook(cells, None, "".join(sources))


def test_imports_are_named_once_by_their_first_word() -> None:
    code = "import numpy as np, pandas\nfrom sklearn.metrics import f1_score\nimport sklearn"
    assert needs(notebook(code, "from .x import y")).modules == ("numpy", "pandas", "sklearn")


@pytest.mark.parametrize(
    "line",
    [
        "pd.read_csv('data/x.csv')",
        "open('data/x.csv')",
        "open('data/x.csv', 'r')",
        "p = Path('data/x.csv'); print(p); pd.read_csv(str(p))",
        "table = pd.read_csv('data/x.csv'); plot(table)",
        "np.loadtxt('data\\\\x.csv')",
    ],
)
def test_files_that_are_read_are_named(line: str) -> None:
    assert needs(notebook(line)).files == ("data/x.csv",)


@pytest.mark.parametrize(
    "line",
    [
        "open('x.csv', 'w')",
        "p = Path('x.h5'); ModelCheckpoint(str(p)); model.load_weights(str(p))",
        "p = Path('x.h5'); model.save_weights(filepath=p); model.load_weights(p)",
        "df.to_csv('x.csv'); pd.read_csv('x.csv')",
        "model.save('x.keras'); load_model('x.keras')",
        "pd.read_csv('https://example.org/x.csv')",
        "pd.read_csv(name)",
        "print('x.csv')",
        "ModelCheckpoint(filepath='x.keras'); load_model('x.keras')",
    ],
)
def test_what_it_writes_itself_or_nobody_can_know_is_not(line: str) -> None:
    assert needs(notebook(line)).files == ()


def test_code_that_nobody_reads_needs_nothing() -> None:
    assert needs(notebook("(" * 400 + ")" * 400)).modules == ()
