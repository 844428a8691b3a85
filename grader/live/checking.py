"""``check``: looks at a live notebook and answers in about a second.

Enters: an exercise's id and the caller's names. Leaves: an Answer; never raises. Touches: see
``grader.live``.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from grader.course.called import exercise_called
from grader.course.exercises import Course, Exercise
from grader.course.public import PublicCourse
from grader.live.answer import Answer
from grader.live.course import find_public
from grader.live.evidence import LiveModel, evidence_of, read_live
from grader.live.failing import FailedCell, failed_cells, remembers_all
from grader.live.names import (
    HeldModel,
    cells_of,
    keras_of_the_notebook,
    models_among,
    names_of,
    objects_of,
)
from grader.live.telling import answer_of, problem
from grader.live.trainings import KnownFits, fits_of, from_numbers
from grader.live.watching import watch
from grader.text.words import Words, pick_language
from grader.types import GraderError, Message

GIVEN = "model"  # what is said of a model that no variable names


def check(
    exercise: str, *, model: Any = None, history: Any = None, lang: str | None = None
) -> Answer:
    """Look at what this notebook has made for an exercise, before it is handed in.

    Args:
        exercise: its id, as in the name of its notebook ("multiplication-lstm"), or its title.
        model: the model to look at; found among the notebook's variables where None.
        history: what ``fit`` returned, where no variable and no model holds it any more.
        lang: "ko" or "en"; as the course has it where None, else as the computer has it.

    Returns:
        What is right, what is not yet, what cannot be told here; shown as a table in a notebook.
        ``.hint()`` gives the next hint.
    """
    frame = inspect.currentframe()
    names = names_of(frame.f_back if frame is not None else None)
    words = Words("en")
    try:
        words = Words(pick_language(lang, None))
        course = find_public()
        words = Words(pick_language(lang, course.language), (course.words,))
        return _answer(_wanted(str(exercise), course), course, names, model, history, words)
    except GraderError as error:
        return problem(str(exercise), words.say(error.message))
    except Exception as error:  # noqa: BLE001 - a fault of ours stops nobody's notebook
        place = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error}"
        args = {"error": told, "place": f"{place.name}, {place.lineno}"}
        return problem(str(exercise), words.say(Message("live.fault", args)))


def _wanted(called: str, course: PublicCourse) -> Exercise:
    """Find the exercise as the command line does.

    Raises:
        GraderError: none is called so.
    """
    return course.exercises[exercise_called(Course(course.folder, course.exercises), called)]


def _answer(
    exercise: Exercise,
    course: PublicCourse,
    names: Mapping[str, Any],
    model: Any,
    history: Any,
    words: Words,
) -> Answer:
    keras = keras_of_the_notebook()
    if keras is not None:
        watch(keras)
    failed = failed_cells(names)
    models = _models(keras, names, model, history, failed) if keras is not None else ()
    found = evidence_of(keras, models, exercise, course, cells_of(names))
    found = replace(found, failed=failed, all_failed=remembers_all(names))
    return answer_of(found, models, exercise, course, names, words)


def _models(
    keras: Any, names: Mapping[str, Any], model: Any, history: Any, failed: Sequence[FailedCell]
) -> tuple[LiveModel, ...]:
    """Read the notebook's models, or the one that is named.

    Raises:
        GraderError: what is named is no model.
    """
    held = models_among(names, keras)
    if model is not None:
        if not issubclass(type(model), keras.Model):
            raise GraderError(Message("live.no_keras_model", {"got": type(model).__name__}))
        named = next((one for one in held if one.model is model), HeldModel(model, GIVEN, 1))
        held = (named,)
    histories = objects_of(names, keras.callbacks.History)
    if isinstance(history, keras.callbacks.History):
        histories = [*histories, history]
    ran = cells_of(names)
    read = []
    for one in held:
        known = fits_of(keras, one.model, histories, names, ran, failed)
        read.append(read_live(keras, one, _with_given(known, history, alone=len(held) == 1)))
    return tuple(read)


def _with_given(known: KnownFits, history: Any, *, alone: bool) -> KnownFits:
    """Add what is handed over by itself: the numbers of a fit that nothing else tells of."""
    numbers = getattr(history, "history", history)
    if (
        (known.fits and not known.failed)
        or not alone
        or not isinstance(numbers, dict)
        or not numbers
    ):
        return known
    fit = from_numbers(numbers)
    return replace(known, fits=(fit,), changed=fit.epochs_run > 0, failed=None)
