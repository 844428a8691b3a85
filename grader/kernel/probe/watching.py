"""In the notebook's room: the numbering of models, what was reported of them, the way out.

Enters: the shell and the kernel. Leaves: ``grader_evidence`` messages. Touches: the kernel's iopub.
"""

from __future__ import annotations

import contextlib
import io
import json
import time
import weakref
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .loops import Loops
from .models import describe, digest_of, numbered, plain, weights_of
from .repeats import Repeats
from .shown import Shown

VERSION = 2
NAMES = 20  # variables that hold the same model
LONGEST_NAME = 100
UNTOLD_SECONDS = 1.0  # of repeated fits that a kernel's sudden end may cost
MOST_UNTOLD = 8  # models whose last weights are held back
MOST_RAISED = 50  # models that could not be made: a loop may try thousands


@dataclass(frozen=True)
class Elsewhere:
    """What is to be known where a trainer trains.

    Attributes:
        trained: whether a model is as the trainer left it.
        shown: bytes of rows that fits may show which were trained here: ``of_fit``, ``of_form``
            and ``of_run``.
    """

    trained: Callable[[Any], bool]
    shown: Mapping[str, int]


class Probe:
    """Holds the numbering of models and the way out.

    ``elsewhere``: None where nobody else trains.
    """

    def __init__(
        self, shell: Any, kernel: Any, keras: Any, elsewhere: Elsewhere | None = None
    ) -> None:
        self.shell = shell
        self.kernel = kernel
        self.keras = keras
        self.trained = None if elsewhere is None else elsewhere.trained
        self.shown = Shown(**({} if elsewhere is None else elsewhere.shown))
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._digests: dict[int, int] = {}
        self._samples: dict[int, int | None] = {}
        self._repeats: dict[int, Repeats] = {}
        self._untold: dict[int, Any] = {}
        self._sources: dict[int, weakref.ref[Any]] = {}
        self._ended: dict[int, dict[str, int]] = {}
        self._count = self._raised = 0
        self.loops = Loops(self)

    def number(self, model: Any) -> int:
        """Give a model its number at first sight."""
        if model not in self._numbers:
            self._count += 1
            self._numbers[model] = self._count
        return self._numbers[model]

    def send(self, event: str, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Publish one event. Never raises."""
        try:
            buffer = io.BytesIO()
            kept = {name: array for name, array in arrays.items() if array.dtype != object}
            np.savez(buffer, **kept)  # type: ignore[arg-type]  # names are not options
            content = plain({"version": VERSION, "event": event, **content})
            self.kernel.session.send(
                self.kernel.iopub_socket,
                "grader_evidence",
                content,
                parent=self.kernel.get_parent(),
                ident=b"grader_evidence",
                buffers=[buffer.getvalue()],
            )
        except Exception:
            pass

    # --- fits that repeat ----------------------------------------------------------------------

    @property
    def cell(self) -> str:
        """The request that is being answered, which names the cell."""
        return str(self.kernel.get_parent().get("header", {}).get("msg_id"))

    def ended(self, number: int) -> dict[str, int]:
        """Count the fits of a model that came to an end, and their epochs."""
        return self._ended.setdefault(number, {"fits": 0, "epochs": 0})

    def count(self, number: int, epochs: int) -> None:
        """Note that a fit of this model has ended."""
        ended = self.ended(number)
        ended["fits"] += 1
        ended["epochs"] += epochs

    def repeats(self, number: int) -> Repeats | None:
        """Give the fits of this model that another one may go on from."""
        return self._repeats.get(number)

    def begin_repeats(self, number: int, repeats: Repeats | None) -> None:
        """Forget the model's repeats; the next fit goes on from these, or from none."""
        self._repeats.pop(number, None)
        if repeats is not None:
            repeats.told_at = time.monotonic()
            self._repeats[number] = repeats

    def repeated(self, number: int, model: Any) -> None:
        """One more fit has joined the model's repeats: tell of it, but not every time."""
        repeats = self._repeats[number]
        self._untold[number] = model
        if time.monotonic() - repeats.told_at > UNTOLD_SECONDS:
            self.tell(number)
        while len(self._untold) > MOST_UNTOLD:
            self.tell(next(iter(self._untold)))

    def tell(self, number: int) -> None:
        """Tell what was held back of a model's repeats, in place of what was told of them."""
        model = self._untold.pop(number, None)
        repeats = self._repeats.get(number)
        if model is None or repeats is None or repeats.final is None:
            return
        content = {
            "model": number,
            "arguments": dict(repeats.arguments),
            **describe(self.keras, model),
            "begun": True,
            "finished": True,
            "again": True,
            "calls": repeats.calls,
            "epochs_run": repeats.epochs,
            "epochs_asked": repeats.asked,
            "before": dict(repeats.before),
            "history": repeats.history,
        }
        self.send("fit_end", content, numbered("final", repeats.final))
        repeats.final, repeats.told_at = None, time.monotonic()

    def tell_all(self) -> None:
        """Tell everything that was held back: with the cell ends what repeats in it."""
        for number in list(self._untold):
            with contextlib.suppress(Exception):
                self.tell(number)
        self._repeats.clear()

    # --- the namespace -------------------------------------------------------------------------

    def after_cell(self, *_: object) -> None:
        """Report models whose weights or layers differ from what was last reported."""
        self.tell_all()
        with contextlib.suppress(Exception):
            self.loops.end_cell()
        with contextlib.suppress(Exception):
            for model, names in self._named():
                self.look_at(self.number(model), model, names)

    def _named(self) -> list[tuple[Any, list[str]]]:
        """Give the models that variables of the notebook hold, with the variables."""
        found: dict[int, tuple[Any, list[str]]] = {}
        for name, value in list(self.shell.user_ns.items()):
            # type(), not isinstance(): that one asks the object, which may be a student's.
            if not name.startswith("_") and issubclass(type(value), self.keras.Model):
                found.setdefault(id(value), (value, []))[1].append(name[:LONGEST_NAME])
        return [(model, names[:NAMES]) for model, names in found.values()]

    def models(self) -> list[Any]:
        """Give the models that variables of the notebook hold."""
        return [model for model, _ in self._named()]

    def names_of(self, model: Any) -> list[str]:
        """Give the variables of the notebook that hold a model."""
        return next((names for one, names in self._named() if one is model), [])

    def look_at(self, number: int, model: Any, names: list[str]) -> None:
        """Report one model if it changed. Never raises."""
        try:
            weights = weights_of(model)
            updates = self.loops.updates.get(number, 0)
            digest = digest_of(model, weights, (*names, str(updates)))
            if self._digests.get(number) == digest:
                return
            self._digests[number] = digest
            content = {"model": number, "names": names, **describe(self.keras, model)}
            sample, arrays = self.loops.batches(number)
            content |= {"updates": updates, **({"late_sample": sample} if sample else {})}
            self.send("seen", content, {**arrays, **numbered("final", weights)})
        except Exception:
            pass

    def could_not_make(self, model: Any) -> None:
        """Report the layers of a model that raised an error when it was made of them; not many.

        What was seen as a model before is one: what has become of it, the cell's end will tell.
        """
        if model in self._numbers:
            return
        self._raised += 1
        if self._raised > MOST_RAISED:
            return
        content = {"model": self.number(model), "raised": True, **describe(self.keras, model)}
        self.send("seen", content, {})

    def is_news(
        self, number: int, sample: dict[str, Any], arrays: dict[str, np.ndarray], source: Any
    ) -> bool:
        """Whether a fit's sample differs from that of this model's fit before; notes its digest.

        A data set is its own likeness: shuffled, it begins with another batch every time.
        """
        if sample["kind"] == "dataset" and self._is_known(number, source):
            sample["digest"] = self._samples.get(number)
            return False
        digest = zlib.crc32(json.dumps(sample, sort_keys=True).encode()) if arrays else None
        for name in sorted(arrays):
            digest = zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes(), digest or 0)
        known = self._samples.get(number)
        self._samples[number] = sample["digest"] = digest
        return digest is None or digest != known

    def _is_known(self, number: int, source: Any) -> bool:
        """Whether the model's fit before was given this very object; remembers it."""
        known = self._sources.pop(number, None)
        with contextlib.suppress(TypeError):  # not everything can be referred to
            self._sources[number] = weakref.ref(source)
        return known is not None and known() is source
