"""Cells that failed, explained by the notebook's code: one test per way to fail."""

from __future__ import annotations

import textwrap

import pytest

from grader.authoring.release import PLACEHOLDER
from grader.score.hints_empty import EMPTY
from grader.score.hints_runs import diagnose_runs, diagnose_source
from grader.submission import Cell, Notebook
from grader.types import CellError, Evidence, Message, Outcome, RunFacts

STUB = (
    "import numpy as np",
    f"# Input → GRU\n{PLACEHOLDER}\nmodel.summary()",
    f"# compile, fit\n{PLACEHOLDER}",
    "plt.plot(history.history['loss'])",
)


def notebook(*sources: str, language: str = "python") -> Notebook:
    cells = tuple(Cell(i, textwrap.dedent(text)) for i, text in enumerate(sources, start=1))
    return Notebook(cells, None, repr(cells), language)


def missing(cell: int, name: str, line: int = 0) -> tuple[int, CellError]:
    arrow = f"----> {line} …\n" if line else ""
    return cell, CellError("NameError", f"name '{name}' is not defined", arrow)


def failed(cell: int, name: str, value: str = "", line: str = "") -> tuple[int, CellError]:
    return cell, CellError(name, value, f"Cell In[1], line 1\n{line}\n{name}: {value}")


def shown(book: Notebook, *errors: tuple[int, CellError]) -> list[Message]:
    """What is said of the errors, by the code where it says more than they do."""
    runs = RunFacts(Outcome.FINISHED, len(book.cells), errors, None)
    hints = diagnose_source(book, runs)
    return list(diagnose_runs(Evidence("x", runs, None, (), None, None, {}, hints=hints)))


class TestNames:
    def test_the_students_notebooks_bear_the_mark_that_is_looked_for(self) -> None:
        assert EMPTY in PLACEHOLDER

    def test_a_cell_where_nothing_was_written(self) -> None:
        told = shown(notebook(*STUB), missing(2, "model"), missing(4, "history"))
        assert told == [
            Message("source.still_empty", {"cell": 2, "name": "model"}),
            Message("source.still_empty", {"cell": 3, "name": "history"}),
        ]

    def test_only_the_cell_that_is_still_empty_is_named(self) -> None:
        built = f"{PLACEHOLDER}\nmodel = Sequential()\nmodel.summary()"
        told = shown(notebook(STUB[0], built, *STUB[2:]), missing(4, "history"))
        assert told == [Message("source.still_empty", {"cell": 3, "name": "history"})]

    def test_a_cell_where_something_was_written_is_not_empty(self) -> None:
        told = shown(notebook(f"{PLACEHOLDER}\nmodel.add(GRU(3))"), missing(1, "model"))
        assert told == [Message("diagnose.undefined_name", {"cell": 1, "name": "model"})]

    def test_a_name_that_a_later_cell_defines(self) -> None:
        told = shown(notebook("x = 1", "model.fit(x)", "", "model = 3"), missing(2, "model"))
        assert told == [Message("source.defined_later", {"cell": 2, "name": "model", "later": 4})]

    def test_a_name_that_its_own_cell_defines_further_below(self) -> None:
        told = shown(notebook("print(model)\nmodel = 3"), missing(1, "model", line=1))
        assert told == [Message("source.defined_below", {"cell": 1, "name": "model"})]

    @pytest.mark.parametrize(
        ("source", "name", "line"),
        [
            ("X = X.reshape(-1, 1)", "X", 1),
            ("print(X)\nX = X + 1", "X", 1),
            ("n = 1\ncount += n", "count", 2),
            ("print(count)\ncount += 1", "count", 1),
            ("for row in row.values:\n    pass", "row", 1),
            ("a = 1\nif a > 1:\n    y = 2\nprint(y)", "y", 4),
            ("if a:\n    print(y)\nelse:\n    y = 2", "y", 2),
            ("print(x)\ndel x", "x", 1),
        ],
    )
    def test_a_line_that_defines_nothing_anew_below_is_not_blamed(
        self, source: str, name: str, line: int
    ) -> None:
        told = shown(notebook(source), missing(1, name, line))
        assert told == [Message("diagnose.undefined_name", {"cell": 1, "name": name})]

    def test_where_a_magic_hides_the_line_nothing_is_said_of_the_order(self) -> None:
        arrow = "----> 1 get_ipython().run_cell_magic('time', '', 'if a: y = 2\\nprint(y)')"
        error = failed(1, "NameError", "name 'y' is not defined", arrow)
        told = shown(notebook("%%time\nif a: y = 2\nprint(y)"), error)
        assert [message.id for message in told] == ["diagnose.undefined_name"]

    @pytest.mark.parametrize("source", ["X = X + 1", "count = 1\nX += count", "del X"])
    def test_a_later_cell_that_needs_the_name_itself_does_not_define_it(self, source: str) -> None:
        told = shown(notebook("print(X)", source), missing(1, "X", line=1))
        assert told == [Message("diagnose.undefined_name", {"cell": 1, "name": "X"})]

    def test_a_name_that_is_only_changed_is_looked_for_elsewhere(self) -> None:
        told = shown(notebook("x = [3]", "X = X + 1"), missing(2, "X", line=1))
        assert told == [Message("source.other_case", {"cell": 2, "name": "X", "nearest": "x"})]

    def test_a_name_that_only_a_function_knows(self) -> None:
        inside = "def build():\n    model = 3\nbuild()"
        args = {"cell": 2, "name": "model", "place": 1, "function": "build"}
        told = shown(notebook(inside, "model.fit()"), missing(2, "model"))
        assert told == [Message("source.inside_function", args)]

    def test_a_name_in_another_case(self) -> None:
        told = shown(notebook("X = 3", "print(x)"), missing(2, "x"))
        assert told == [Message("source.other_case", {"cell": 2, "name": "x", "nearest": "X"})]

    def test_the_class_is_not_meant_by_the_variable(self) -> None:
        told = shown(notebook("from keras import Model", "model.fit()"), missing(2, "model"))
        assert told == [Message("diagnose.undefined_name", {"cell": 2, "name": "model"})]

    def test_a_class_in_another_case_is_meant(self) -> None:
        told = shown(
            notebook("from keras import Sequential", "sequential()"), missing(2, "sequential")
        )
        assert told[0].args["nearest"] == "Sequential"

    def test_a_misspelt_name_comes_from_what_was_defined_before(self) -> None:
        book = notebook("gru_model = 3", "print(gru_modle)", "gru_models = 3")
        args = {"cell": 2, "name": "gru_modle", "nearest": "gru_model"}
        assert shown(book, missing(2, "gru_modle")) == [Message("source.misspelt_name", args)]

    def test_a_name_that_a_broken_cell_was_to_define_is_its_consequence(self) -> None:
        book = notebook("losses = 3", "loses = (", "print(loses)")
        told = shown(book, failed(2, "SyntaxError", "'(' was never closed"), missing(3, "loses"))
        assert [message.id for message in told] == ["source.unclosed"]

    def test_a_name_that_an_earlier_failing_cell_was_to_define_is_its_consequence(self) -> None:
        book = notebook("data = open('x')\nrows = 3", "print(rows)")
        told = shown(book, failed(1, "FileNotFoundError", "'x'"), missing(2, "rows"))
        assert [message.id for message in told] == ["diagnose.error"]

    def test_a_name_that_is_nowhere(self) -> None:
        told = shown(notebook("y = 1", "print(banana_split)"), missing(2, "banana_split"))
        assert told == [Message("diagnose.undefined_name", {"cell": 2, "name": "banana_split"})]


class TestSyntax:
    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("model = Sequential([Input((4, 1)),\n    GRU(10),", ("source.unclosed", "[", 1)),
            ("x = 1\nprint((x)", ("source.unclosed", "(", 2)),
            ("d = {'a': [1, 2]", ("source.unclosed", "{", 1)),
            ("%matplotlib inline\nf(1", ("source.unclosed", "(", 2)),
            ("x = '''abc\n", ("source.unclosed_text", None, 1)),
            ("x = 'abc", ("source.unclosed_text", None, 1)),
            ("for i in x:\n", ("source.empty_block", None, 1)),
            ("def f(x):\n    # soon\n", ("source.empty_block", None, 1)),
        ],
    )
    def test_what_is_left_open_is_named_with_its_line(
        self, source: str, told: tuple[str, str | None, int]
    ) -> None:
        (message,) = shown(notebook(source), failed(1, "SyntaxError", "incomplete input"))
        assert (message.id, message.args.get("bracket"), message.args["line"]) == told

    @pytest.mark.parametrize("source", ["x = 1)", "x = (1]", "x y", "print 'a'", ""])
    def test_other_mistakes_stay_the_exceptions_business(self, source: str) -> None:
        (message,) = shown(notebook(source), failed(1, "SyntaxError", "invalid syntax"))
        assert message == Message("diagnose.syntax", {"cell": 1})


class TestConsequences:
    def test_an_error_about_what_an_earlier_cell_did_not_make(self) -> None:
        book = notebook("X = np.array(rows)\nY = 3", "print(X.shape)")
        first = failed(1, "ValueError", "inhomogeneous shape", "----> 1 X = np.array(rows)")
        told = shown(book, first, failed(2, "TypeError", "odd", "----> 1 print(X.shape)"))
        assert [message.id for message in told] == ["diagnose.ragged"]

    def test_what_was_made_before_the_error_is_there(self) -> None:
        book = notebook("X = [1]\nY = open('y')", "print(X.shape)")
        first = failed(1, "KeyError", "'y'", "----> 2 Y = open('y')")
        second = failed(2, "ZeroDivisionError", "odd", "----> 1 print(X.shape)")
        assert [message.id for message in shown(book, first, second)] == ["diagnose.error"] * 2

    FIT = "model = build()\nhistory = model.fit(X)"
    ACC = "plt.plot(history.history['acc'])"

    def after_fit(self, *sources: str, line: int = 1) -> list[str]:
        """Give the ids of what is told where the first cell fails and so does the last."""
        last = 1 + len(sources)
        arrow = f"----> {line} {sources[-1].split(chr(10))[line - 1]}"
        first = failed(1, "ValueError", "odd", "----> 1 model = build()")
        told = shown(notebook(self.FIT, *sources), first, failed(last, "KeyError", "'acc'", arrow))
        return [message.id for message in told]

    def test_what_a_sound_cell_makes_again_is_no_consequence(self) -> None:
        assert self.after_fit(self.ACC) == ["diagnose.error"]
        assert self.after_fit(self.FIT, self.ACC) == ["diagnose.error", "diagnose.removed"]

    def test_what_the_failing_cell_itself_makes_again_is_no_consequence(self) -> None:
        again = f"history = other.fit(X)\n{self.ACC}"
        assert len(self.after_fit(again, line=2)) == 2

    def test_a_statement_of_several_lines_is_read_as_a_whole(self) -> None:
        assert self.after_fit("plt.plot(\n    history.history['acc'],\n)") == ["diagnose.error"]

    @pytest.mark.parametrize(
        "line",
        [
            "net.compile(history='acc')",
            "d['history acc']",
            "net.history['acc']",
            "history = d['a']",
        ],
    )
    def test_only_what_a_line_reads_can_be_missing(self, line: str) -> None:
        assert len(self.after_fit(line)) == 2

    def test_a_cell_that_failed_after_it_made_everything_lacks_nothing(self) -> None:
        book = notebook("X = [1]\n1 / 0", "print(X['acc'])")
        told = shown(
            book,
            failed(1, "ZeroDivisionError", "", "----> 2 1 / 0"),
            failed(2, "TypeError", "odd", "----> 1 print(X['acc'])"),
        )
        assert [message.args["cell"] for message in told] == [1, 2]

    def test_an_error_about_something_else_is_a_second_mistake(self) -> None:
        book = notebook("X = open('x')", "1 / 0")
        told = shown(
            book,
            failed(1, "FileNotFoundError", "", "----> 1 X = open('x')"),
            failed(2, "ZeroDivisionError", "", "----> 1 1 / 0"),
        )
        assert [message.args["cell"] for message in told] == [1, 2]


class TestLanguage:
    def test_another_language_is_named(self) -> None:
        book = notebook("library(keras)", language="R")
        told = shown(book, missing(1, "library"), failed(2, "SyntaxError", "invalid syntax"))
        assert told == [Message("source.other_language", {"language": "R"})]

    @pytest.mark.parametrize("language", ["python", "Python", "python3", "ipython"])
    def test_python_by_any_name(self, language: str) -> None:
        told = shown(notebook("print(banana)", language=language), missing(1, "banana"))
        assert told[0].id == "diagnose.undefined_name"

    def test_a_notebook_that_runs_is_python_whatever_it_says(self) -> None:
        assert shown(notebook("x = 1", language="R")) == []
