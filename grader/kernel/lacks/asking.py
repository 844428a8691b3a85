"""In the notebook's room: ``input()``, with nobody there to answer.

Enters: what cells with ``input`` had printed when their author ran them, the epochs that the
exercise asks for, prompts. Leaves: answers. Touches: how the kernel asks.

The first that is known answers: what the author typed then, which stands behind the prompt in the
saved output; a number that the prompt names; the exercise's epochs, where the prompt or the line is
about epochs; Enter. Where Enter is no answer, the line needs somebody, whom the room lacks.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Sequence
from typing import Any

from IPython.core.error import StdinNotImplementedError

from .places import is_students
from .reasons import Lack

NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
EPOCHS = re.compile(r"epoch|에포크|에폭|에포치|이포크|반복|횟수", re.IGNORECASE)
ASKED = "asked"
NOBODY = Lack("person", "input()")
# What becomes of an empty answer: int(""), eval(""), "".split()[0], {"1": …}[""].
NO_ANSWER = (ValueError, SyntaxError, IndexError, KeyError)


class Asking:
    """Answers in the place of the notebook's author."""

    def __init__(self, said: Sequence[str], epochs: int | None, remarks: Any) -> None:
        self.said = list(said)
        self.epochs = epochs
        self.remarks = remarks
        self.unanswered = 0  # by the running statement

    def begin(self) -> None:
        """Note that another statement begins."""
        self.unanswered = 0

    def raw_input(self, prompt: object = "") -> str:
        """Answer, and show the answer as a page would.

        Raises:
            StdinNotImplementedError: Enter was an answer already, and it is asked on and on.
        """
        asked = str(prompt)
        answer = self._typed(asked) or self._named(asked)
        if not answer:
            if self.unanswered:
                raise StdinNotImplementedError("input() was called, and nobody is there to answer.")
            self.unanswered += 1
        self.remarks.tell(ASKED, "input()", answer)
        print(f"{asked}{answer}")  # noqa: T201 - into the notebook's own output
        return answer

    def lack(self, error: Exception) -> Lack | None:
        """Say that somebody is missing, where that is why a statement failed."""
        if isinstance(error, StdinNotImplementedError):
            return NOBODY
        return NOBODY if self.unanswered and isinstance(error, NO_ANSWER) else None

    def _typed(self, prompt: str) -> str:
        """Give what stands behind the prompt in a saved output; each is read once."""
        for number, text in enumerate(self.said):
            before, found, rest = text.partition(prompt) if prompt else ("", "", text)
            del before
            if rest and (found or not prompt):
                typed, _, self.said[number] = rest.partition("\n")
                return typed.strip()
        return ""

    def _named(self, prompt: str) -> str:
        if numbers := NUMBER.findall(prompt):
            return str(numbers[-1])
        about_epochs = EPOCHS.search(prompt) or EPOCHS.search(_students_line())
        return str(self.epochs) if self.epochs is not None and about_epochs else ""


def _students_line() -> str:
    """Give the source of the line that asks."""
    frame = sys._getframe(1)  # noqa: SLF001 - the way to a caller
    while frame is not None:
        if is_students(frame):
            return linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return ""
