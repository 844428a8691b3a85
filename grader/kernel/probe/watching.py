"""In the notebook's room: the numbering of models, what was reported of them, the way out.

Enters: the shell and the kernel. Leaves: ``grader_evidence`` messages. Touches: the kernel's iopub.
"""

from __future__ import annotations

import io
import json
import weakref
import zlib
from typing import Any

import numpy as np

from .models import describe, digest_of, numbered, plain, weights_of

VERSION = 1
NAMES = 20  # variables that hold the same model
LONGEST_NAME = 100


class Probe:
    """Holds the numbering of models and the way out."""

    def __init__(self, shell: Any, kernel: Any, keras: Any) -> None:
        self.shell = shell
        self.kernel = kernel
        self.keras = keras
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._digests: dict[int, int] = {}
        self._samples: dict[int, int | None] = {}
        self._count = 0

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

    def after_cell(self, *_: object) -> None:
        """Report models whose weights or layers differ from what was last reported."""
        try:
            names: dict[int, list[str]] = {}
            models: dict[int, Any] = {}
            for name, value in list(self.shell.user_ns.items()):
                # type(), not isinstance(): that one asks the object, which may be a student's.
                if not name.startswith("_") and issubclass(type(value), self.keras.Model):
                    names.setdefault(self.number(value), []).append(name[:LONGEST_NAME])
                    models[self.number(value)] = value
        except Exception:
            return
        for number, model in models.items():
            self.look_at(number, model, names[number][:NAMES])

    def look_at(self, number: int, model: Any, names: list[str]) -> None:
        """Report one model if it changed. Never raises."""
        try:
            weights = weights_of(model)
            digest = digest_of(model, weights, names)
            if self._digests.get(number) == digest:
                return
            self._digests[number] = digest
            content = {"model": number, "names": names, **describe(self.keras, model)}
            self.send("seen", content, numbered("final", weights))
        except Exception:
            pass

    def is_news(self, number: int, sample: dict[str, Any], arrays: dict[str, np.ndarray]) -> bool:
        """Whether a fit's sample differs from that of this model's fit before."""
        digest = zlib.crc32(json.dumps(sample, sort_keys=True).encode()) if arrays else None
        for name in sorted(arrays):
            digest = zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes(), digest or 0)
        known = self._samples.get(number)
        self._samples[number] = digest
        return digest is None or digest != known
