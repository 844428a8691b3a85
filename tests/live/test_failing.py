"""The cells that failed, and what a check says of them."""

from __future__ import annotations

import contextlib
import difflib
import io
import sys
import warnings
from dataclasses import replace
from typing import Any

import IPython
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader.course.exercises import Exercise
from grader.execution import Fit
from grader.live import failing
from grader.live.answer import Answer
from grader.live.evidence import ATTEMPTED_NOTHING, LiveEvidence, LiveModel
from grader.live.failing import FailedCell, failed_cells, remembers_all
from grader.live.telling import answer_of
from grader.live.trainings import fits_of
from grader.text.words import Words
from grader.types import CellError, EvidenceClass
from tests.live.test_telling import EN, EXERCISE, EXERCISES, FIT, KO, course, live, marks
from tests.live.test_trainings import X, Y, trained
from tests.support import builders as b
from tests.support.keras_like import keras_like

KEYS = ("last_value", "last_type", "last_traceback", "displayhook", "excepthook")
COMPILE = "You must call `compile()` before using the model."
UNCOMPILED = FailedCell(7, "history = model.fit(X, Y)", CellError("ValueError", COMPILE, ""))
PLOT = FailedCell(8, "plt.plot(h['val_loss'])", CellError("KeyError", "'val_loss'", ""))
MODEL = FailedCell(
    4,
    "model = Sequential([SimpleRN(10)])",
    CellError("NameError", "name 'SimpleRN' is not defined", ""),
)


@pytest.fixture(params=["recorded", "raised"])
def shell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """IPython as of today, which keeps exceptions, and as before, with the last one alone."""
    for name in KEYS:
        monkeypatch.setattr(sys, name, getattr(sys, name, None), raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell(config=config)
    kept = hasattr(made.history_manager, "exceptions")
    if request.param == "recorded" and not kept:
        pytest.skip("this IPython keeps no exceptions")
    monkeypatch.setattr(IPython, "get_ipython", lambda: made)
    if request.param == "raised":
        monkeypatch.setattr(failing, "_records", lambda _: None)
    return made


def run(shell: InteractiveShell, *cells: str) -> FailedCell | None:
    for cell in cells:
        with contextlib.redirect_stdout(io.StringIO()):
            shell.run_cell(cell, store_history=True)
    found = failed_cells(shell.user_ns)
    return found[-1] if found else None


def numbers(shell: InteractiveShell) -> list[int]:
    return [one.number for one in failed_cells(shell.user_ns)]


def test_a_cell_that_failed_is_known_by_its_number_and_what_it_said(
    shell: InteractiveShell,
) -> None:
    assert run(shell, "x = 1", "y = 2") is None
    found = run(shell, "history = {}\nprint(history['val_loss'])", "z = 3")
    assert found is not None
    assert (found.number, found.place, found.told) == (3, "[3]", "KeyError: 'val_loss'")


@pytest.mark.parametrize(
    "later",
    [
        "layer = SimpleRNN(units=30)",
        "layer = SimpelRNN(units=30)",  # the very cell: what it lacked has been made above
    ],
)
def test_one_that_ran_again_without_an_error_has_not_failed(
    shell: InteractiveShell, later: str
) -> None:
    assert run(shell, "layer = SimpelRNN(units=30)") is not None
    assert run(shell, "SimpelRNN = SimpleRNN = dict", later, "print(layer)") is None


def test_a_cell_that_python_cannot_read_is_known_too(shell: InteractiveShell) -> None:
    found = run(shell, "x = (1,\ny = 2")
    assert found is not None
    assert (found.number, found.error.name) == (1, "SyntaxError")


def test_every_cell_that_failed_is_known_until_it_runs(shell: InteractiveShell) -> None:
    every = remembers_all(shell.user_ns)
    run(shell, "x = 1", "modell.fit()", "y = 2", "print(undefined_thing)")
    assert numbers(shell) == ([2, 4] if every else [4])
    run(shell, "modell = dict(fit=lambda: 3)", "undefined_thing = 4", "print(undefined_thing)")
    assert numbers(shell) == ([2] if every else [])
    run(shell, "modell['fit']()")
    assert numbers(shell) == []


def test_of_many_cells_that_failed_the_last_ones_are_known(shell: InteractiveShell) -> None:
    run(shell, *(f"{letter * 9}()" for letter in "abcdefghijklmn"))
    assert numbers(shell) == ([*range(3, 15)] if remembers_all(shell.user_ns) else [14])


def long_cell(word: str) -> str:
    """A cell of some 4000 letters that fails at its end."""
    lines = [f"{word}_{n} = [{n}, {n + 1}]  # {word} {word} {word} {word}" for n in range(70)]
    return "\n".join([*lines, f"print({word}_of_nobody)"])


def test_a_long_cell_is_known_again_where_it_is_mended(shell: InteractiveShell) -> None:
    run(shell, long_cell("weights"), long_cell("layers").rpartition("\n")[0])
    assert numbers(shell) == [1]
    run(shell, long_cell("weights").replace("of_nobody", "3"))
    assert numbers(shell) == []


def test_the_letters_of_long_cells_are_not_compared_one_by_one(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their work grows with the square: three that failed among twenty took twelve seconds."""
    compared: list[int] = []

    class Noting(difflib.SequenceMatcher[str]):
        def __init__(self, isjunk: None, a: str, b: str, *, autojunk: bool) -> None:
            compared.append(len(a) * len(b))
            super().__init__(isjunk, a, b, autojunk)

    run(shell, long_cell("weights"), long_cell("layers"))
    monkeypatch.setattr(difflib, "SequenceMatcher", Noting)
    run(shell, long_cell("epochs"))
    assert len(compared) == (3 if remembers_all(shell.user_ns) else 0)
    assert max(compared, default=0) < 1000**2


def test_of_what_is_repeated_without_end_it_counts_how_often(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In which order would take minutes to say of pasted data."""

    def never(_: object) -> float:
        pytest.fail("compared in order")

    monkeypatch.setattr(difflib.SequenceMatcher, "ratio", never)
    run(shell, f"x = [{'0, 1, ' * 600}]\nprint(of_nobody)", f"x = [{'7, 8, ' * 600}]")
    assert numbers(shell) == [1]
    run(shell, f"x = [{'1, 0, 0, ' * 400}]\nprint(3)")
    assert numbers(shell) == []


def test_a_cell_that_failed_twice_is_known_by_where_it_ran_last(shell: InteractiveShell) -> None:
    every = remembers_all(shell.user_ns)
    run(shell, "modell.fit()", "print(undefined_thing)", "modell.fit()")
    assert numbers(shell) == ([2, 3] if every else [])  # else it may have run without an error


@pytest.mark.parametrize("colors", ["nocolor", "neutral", "linux", "lightbg"])
def test_the_colours_of_a_terminal_are_no_part_of_a_name(
    shell: InteractiveShell, colors: str
) -> None:
    shell.run_line_magic("colors", colors)
    found = run(shell, "print(undefined_thing)")
    assert found is not None
    assert "\x1b" not in repr(found.error)
    assert [one.args.get("nearest") for one in found.advice()] == [None]


def test_what_keras_prints_in_bold_is_read_without(shell: InteractiveShell) -> None:
    bold = f"\x1b[1m{COMPILE}\x1b[0m"
    found = run(shell, f"raise ValueError({bold!r})")
    assert found is not None
    assert found.error.value == COMPILE


@pytest.mark.parametrize(
    "cell",
    [
        "%%time\nhistory = model.fit(X, Y)",
        "%time model.fit(X, Y)",
        "history = %time model.fit(X, Y)",
        "%%timeit -n 1 -r 1\nmodel.fit(X, Y)",
    ],
)
def test_a_fit_that_was_timed_and_failed_is_known_to_have_been_called(
    shell: InteractiveShell, cell: str
) -> None:
    model = keras_like().Model()
    shell.user_ns |= {"X": X, "Y": Y}
    assert run(shell, cell) is not None  # there is no model yet
    (found,) = failed_cells(shell.user_ns)
    assert (found.number, found.source.strip()) == (1, cell)
    assert found.fit_of({"model": model, "X": X, "Y": Y}, model) is not None
    assert run(shell, "model = print", cell.replace("model.fit", "print")) is None


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("%%time\nmodel = Sequential()", True),
        ("%time history = other.fit(X, Y)", True),
        ("%matplotlib inline\nplt.plot(history.history['loss'])", False),
        ("model = Sequential(", True),  # nobody can tell
    ],
)
def test_whether_a_cell_makes_a_model_is_seen_beside_its_magics(source: str, made: bool) -> None:
    assert replace(MODEL, source=source).makes("model") is made


def test_reading_a_cell_says_nothing_of_a_student_s_strings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert replace(MODEL, source="re.compile('\\d')\nmodel = 1").makes("model")
        assert not replace(MODEL, source="re.compile('\\d')").makes("model")


def test_of_cells_that_are_timed_the_only_one_is_known_to_have_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before IPython 9.4 %time keeps exceptions to itself, in which nothing of the cell is."""
    with pytest.raises(NameError) as raised:
        exec(compile("modell.fit()", "<timed exec>", "exec"), {})
    monkeypatch.setattr(sys, "last_value", raised.value, raising=False)
    made = TransformerManager().transform_cell
    ran = ["", "x = 1", made("%%time\nmodell.fit()"), "y = 2"]
    (found,) = failed_cells({"In": ran})
    assert (found.number, found.told) == (2, "NameError: name 'modell' is not defined")
    assert failed_cells({"In": [*ran, made("%time x = 1")]}) == ()  # or was it this one?


def test_who_interrupts_a_cell_is_told_of_no_failure(shell: InteractiveShell) -> None:
    assert run(shell, "raise KeyboardInterrupt") is None


def test_outside_of_notebooks_no_cell_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "last_value", ValueError("x"), raising=False)
    for names in ({}, {"In": 3}, {"In": ["", "x = 1"]}, {"In": ["", None]}):
        assert failed_cells(names) == ()


def test_a_fit_that_never_ran_an_epoch_is_one_that_failed() -> None:
    keras = keras_like()
    model, other = keras.Model(), keras.Model()
    names = {"model": model, "other": other, "X": X, "Y": Y}
    found = fits_of(keras, model, (), names, None, (UNCOMPILED, PLOT))
    assert found.failed is UNCOMPILED
    (fit,) = found.fits
    assert fit.epochs_run == 0
    assert fit.sample.x is not None
    assert fit.sample.x.shape == (100, 3)
    assert not fits_of(keras, other, (), names, None, (UNCOMPILED,)).failed
    assert not fits_of(keras, model, (), names, None, (PLOT,)).failed
    trained(model, epochs=3)
    assert not fits_of(keras, model, (), names, None, (UNCOMPILED,)).failed


def told(
    failed: FailedCell | tuple[FailedCell, ...] | None,
    chosen: LiveModel | None,
    words: Words = EN,
    exercise: Exercise = EXERCISE,
    **evidence: Any,
) -> Answer:
    failed = failed or ()
    failed = failed if isinstance(failed, tuple) else (failed,)
    found = LiveEvidence(b.sound(exercise, **evidence), chosen, failed=failed)
    return answer_of(found, [chosen] if chosen else [], exercise, course(), {}, words)


NOT_BEGUN = Fit(0, FIT.sample, 100, 0, {}, finished=False, arguments={})


def fit_failed() -> LiveModel:
    chosen = live(NOT_BEGUN)
    return replace(chosen, known=replace(chosen.known, failed=UNCOMPILED, changed=False))


class TestFit:
    @pytest.mark.parametrize(
        ("words", "line", "advice"),
        [
            (EN, "the cell that calls fit on this model, [7], failed", "before compile was called"),
            (KO, "[7]번 셀에서 오류가 났습니다", "compile하지 않은 모델"),
        ],
    )
    def test_that_was_called_and_raised_is_not_said_to_be_missing(
        self, words: Words, line: str, advice: str
    ) -> None:
        nothing = replace(b.training(()), fits=1, epochs=0, changed=False, epochs_asked=100)
        answer = told(UNCOMPILED, fit_failed(), words, training=nothing, runs=ATTEMPTED_NOTHING)
        assert marks(answer)[2] == "○"
        assert line in repr(answer)
        assert advice in repr(answer.hints[0])
        for wrong in ("never called", "Set epochs", "호출하지 않았", "epochs=100"):
            assert wrong not in repr((answer, answer.hints))

    def test_what_was_wrong_with_its_data_goes_before_what_it_raised(self) -> None:
        sound = b.sound(EXERCISE)
        wrong = replace(sound.data[0], fraction=0.0)
        nothing = replace(b.training(()), fits=1, epochs=0, changed=False)
        answer = told(
            UNCOMPILED, fit_failed(), data=(wrong,), training=nothing, runs=ATTEMPTED_NOTHING
        )
        assert marks(answer)[0] == "✓✓✓✓✓"
        assert repr(answer.hints[0]) == EN.say(wrong.hint or wrong.message)
        assert "compile" in repr(answer.hints[1])


class TestAnyCell:
    @pytest.mark.parametrize("exercise", [EXERCISE, EXERCISES["multiplication-simple-rnn"]])
    @pytest.mark.parametrize(("words", "hand_in"), [(EN, "hand in this"), (KO, "제출하십시오.")])
    def test_is_named_and_nothing_is_ready(
        self, words: Words, hand_in: str, exercise: Exercise
    ) -> None:
        training = replace(b.training(), epochs=100)
        facts = {"training": training, "runs": ATTEMPTED_NOTHING, "metrics": {}}
        answer, whole = (
            told(failed, live(FIT), words, exercise, **facts) for failed in (PLOT, None)
        )
        assert "KeyError: 'val_loss'" in repr(answer)
        assert "[8]" in repr(answer)
        assert answer.asked == answer.right + 1
        assert f"{exercise.id}.ipynb" not in repr(answer)
        assert f"{exercise.id}.ipynb" in repr(whole)
        assert "✗" not in repr(whole)

    @pytest.mark.parametrize(
        ("words", "gone"), [(EN, "Where such a cell is gone"), (KO, "이미 지운 셀이면")]
    )
    def test_of_several_is_named_and_explained(self, words: Words, gone: str) -> None:
        answer = told((MODEL, PLOT), live(FIT), words)
        failed = [line.text for line in answer.lines if line.about is EvidenceClass.RUNS]
        assert [("[4]" in one, "[8]" in one, gone in one) for one in failed] == [
            (True, False, False),
            (False, True, True),
        ]
        assert [one for one in ("[4]", "[8]") if one not in repr(answer.hints)] == []

    @pytest.mark.parametrize(
        ("words", "said"), [(EN, "before version 9.1"), (KO, "IPython 9.1보다")]
    )
    def test_that_is_the_only_one_known_is_said_to_be(self, words: Words, said: str) -> None:
        for alone in (True, False):
            evidence = b.sound(EXERCISE)
            found = LiveEvidence(evidence, live(FIT), failed=(PLOT,), all_failed=not alone)
            answer = answer_of(found, [live(FIT)], EXERCISE, course(), {}, words)
            assert (said in repr(answer)) is alone

    def test_that_should_have_made_the_model_comes_before_what_is_wrong_with_an_earlier_one(
        self,
    ) -> None:
        few = replace(b.training(), epochs=2)
        facts = {"training": few, "runs": ATTEMPTED_NOTHING, "metrics": {}}
        assert "SimpleRN" in repr(told(MODEL, live(FIT), **facts).hints[0])
        assert "val_loss" not in repr(told(PLOT, live(FIT), **facts).hints[0])
        assert "[8]" in repr(told(PLOT, live(FIT), **facts).hints[1])

    def test_that_ran_again_without_an_error_is_not_spoken_of(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "last_value", NameError(MODEL.error.value), raising=False)
        nothing = b.evidence(EXERCISE.id, model=None, data=(), training=None)

        def said(*failed: FailedCell) -> str:
            found = LiveEvidence(nothing, None, failed=failed)
            return repr(answer_of(found, [], EXERCISE, course(), {"In": ["", "x"]}, EN))

        assert "last error" not in said()
        assert "last error: KeyError" in said(PLOT)
        assert "SimpleRN'" not in said() + said(PLOT)

    def test_without_a_model_what_it_means_is_said_first(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = NameError(MODEL.error.value)
        monkeypatch.setattr(sys, "last_value", error, raising=False)
        found = LiveEvidence(
            b.evidence(EXERCISE.id, model=None, data=(), training=None), None, failed=(MODEL,)
        )
        answer = answer_of(found, [], EXERCISE, course(), {"In": ["", "x"]}, EN)
        assert "SimpleRN" in repr(answer.hints[0])
        assert "[4]" in repr(answer.hints[0])
