"""K: watches Keras models while the notebook runs, and reports what it sees.

Enters: the shell and the kernel. Leaves: ``grader_evidence`` messages on iopub: a JSON content and
one npz buffer. Touches: ``keras.Model.fit`` (wrapped), the shell's after-cell event.

Three events tell a model's story: ``fit_begin`` (configuration, weights before, a sample of the
data), ``fit_end`` (weights after, history) and ``seen`` (a model in the namespace whose weights or
layers changed otherwise). A model keeps its number for life, whatever variable it is bound to.
The probe never raises into student code: evidence that cannot be taken is missing, and says so.
"""

from __future__ import annotations

import functools
import inspect
import io
import json
import math
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

VERSION = 1
SAMPLE_BYTES = 4_000_000
SAMPLE_ROWS = 512
WEIGHT_BYTES = 64_000_000
HISTORY_ENTRIES = 20_000


class Probe:
    """Holds the numbering of models and the way out."""

    def __init__(self, shell: Any, kernel: Any, keras: Any) -> None:
        self.shell = shell
        self.kernel = kernel
        self.keras = keras
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._digests: dict[int, int] = {}
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
                if not name.startswith("_") and isinstance(value, self.keras.Model):
                    names.setdefault(self.number(value), []).append(name)
                    models[self.number(value)] = value
            for number, model in models.items():
                weights = weights_of(model)
                digest = digest_of(model, weights, names[number])
                if self._digests.get(number) != digest:
                    self._digests[number] = digest
                    self.send(
                        "seen",
                        {"model": number, "names": names[number], **describe(self.keras, model)},
                        numbered("final", weights),
                    )
        except Exception:
            pass


def plain(value: Any) -> Any:
    """Turn a value into strict JSON: NaN and infinity become null, anything unknown its text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)


def digest_of(model: Any, weights: list[np.ndarray], names: Iterable[str] = ()) -> int:
    """Give a number that changes when weights, layers or names do."""
    layers = [type(layer).__name__ for layer in getattr(model, "layers", [])]
    value = zlib.crc32(repr((layers, sorted(names))).encode())
    for weight in weights:
        value = zlib.crc32(np.ascontiguousarray(weight).tobytes(), value)
    return value


def weights_of(model: Any) -> list[np.ndarray]:
    """Give the weights as arrays; none where the model is not built or too large to report."""
    try:
        weights = [np.asarray(weight) for weight in model.get_weights()]
    except Exception:
        return []
    return weights if sum(w.nbytes for w in weights) <= WEIGHT_BYTES else []


def numbered(prefix: str, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Name arrays so that their order survives."""
    return {f"{prefix}_{index:04d}": array for index, array in enumerate(arrays)}


def describe(keras: Any, model: Any) -> dict[str, Any]:
    """Give configuration, compile settings and learning rate of a model, as JSON."""
    try:
        config = keras.saving.serialize_keras_object(model)
        config = {"class_name": config["class_name"], "config": config["config"]}
        json.dumps(config)
    except Exception:
        layers = [{"class_name": type(layer).__name__} for layer in getattr(model, "layers", [])]
        config = {"class_name": type(model).__name__, "config": {"layers": layers}, "opaque": True}
    config["input_shape"] = shape_of(model, "input_shape")
    config["output_shape"] = shape_of(model, "output_shape")
    return {"config": config, "compile": compile_of(model)}


def shape_of(model: Any, name: str) -> Any:
    """Give a shape as a list, None where there is none or several."""
    try:
        return [None if size is None else int(size) for size in getattr(model, name)]
    except Exception:
        return None


def compile_of(model: Any) -> dict[str, Any]:
    """Give loss, optimizer and its settings as plain values."""
    found: dict[str, Any] = {}
    try:
        optimizer = model.optimizer
        if optimizer is not None:
            found["optimizer"] = type(optimizer).__name__
            for key, value in optimizer.get_config().items():
                if isinstance(value, (bool, int, float, str)):
                    found[f"optimizer.{key}"] = value
            found["learning_rate"] = float(np.asarray(optimizer.learning_rate))
    except Exception:
        pass
    try:
        loss = model.loss
        found["loss"] = (
            loss
            if isinstance(loss, str)
            else getattr(loss, "name", None) or getattr(loss, "__name__", type(loss).__name__)
        )
        if hasattr(loss, "get_config"):
            found["loss.from_logits"] = bool(loss.get_config().get("from_logits", False))
    except Exception:
        pass
    return found


def sample_of(value: Any) -> tuple[dict[str, Any], np.ndarray] | None:
    """Give the shape, type and statistics of an array-like with its first rows."""
    if value is None or isinstance(value, (str, bytes, dict)) or callable(value):
        return None
    try:
        array = np.asarray(value)
        if array.dtype == object or array.ndim == 0:
            return None
        row_bytes = max(1, array[:1].nbytes)
        rows = array[: max(1, min(SAMPLE_ROWS, SAMPLE_BYTES // row_bytes))]
        told: dict[str, Any] = {"shape": list(array.shape), "dtype": str(array.dtype)}
        if array.size and array.dtype.kind in "biuf":
            told["statistics"] = {
                "min": float(array.min()),
                "max": float(array.max()),
                "mean": float(array.mean(dtype=np.float64)),
                "std": float(array.std(dtype=np.float64)),
            }
    except Exception:
        return None
    return told, rows


def first_batch(keras: Any, data: Any) -> tuple[str, Any, Any]:
    """Look at the first batch of a dataset without using it up; generators are left alone."""
    try:
        if isinstance(data, keras.utils.PyDataset):
            batch = data[0]
        elif hasattr(data, "element_spec") or hasattr(data, "__len__"):
            batch = next(iter(data))
        else:
            return "unknown", None, None
        return "dataset", batch[0], batch[1] if len(batch) > 1 else None
    except Exception:
        return "unknown", None, None


class Recorder:
    """A generator that passes everything on and remembers its first batch."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.source = source
        self.first: Any = None

    def __iter__(self) -> Iterator[Any]:
        for batch in self.source:
            if self.first is None:
                self.first = batch
            yield batch


def take_sample(
    keras: Any, x: Any, y: Any, validation: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Sample everything that was given to ``fit``."""
    kind = "arrays"
    if y is None and x is not None and not isinstance(x, np.ndarray):
        kind, x, y = first_batch(keras, x)
    told: dict[str, Any] = {"kind": kind}
    arrays: dict[str, np.ndarray] = {}
    parts = {"x": x, "y": y}
    if isinstance(validation, (tuple, list)) and len(validation) >= 2:  # noqa: PLR2004
        parts |= {"validation_x": validation[0], "validation_y": validation[1]}
    for name, value in parts.items():
        sampled = sample_of(value)
        if sampled:
            told[name], arrays[f"sample_{name}"] = sampled
    return told, arrays


def plain_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Keep the settings of ``fit`` that are plain values."""
    keep = (
        "batch_size",
        "epochs",
        "initial_epoch",
        "validation_split",
        "steps_per_epoch",
        "shuffle",
    )
    return {
        key: value
        for key in keep
        if isinstance(value := arguments.get(key), (bool, int, float)) or value is None
    }


def wrap_fit(probe: Probe, original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``keras.Model.fit`` so that it reports its beginning and its end."""
    signature = inspect.signature(original)
    keras = probe.keras

    class Watcher(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        """Reports at the start of training, when the model is surely built; counts epochs."""

        def __init__(self, begin: Callable[[], None]) -> None:
            super().__init__()
            self.begin = begin
            self.epochs = 0

        def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
            self.begin()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.epochs += 1

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError:
            return original(self, *args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        number = probe.number(self)
        told, arrays = take_sample(
            keras, given.get("x"), given.get("y"), given.get("validation_data")
        )
        recorder = None
        if inspect.isgenerator(given.get("x")):
            recorder = Recorder(given["x"])
            given["x"] = iter(recorder)
        begun: list[bool] = []

        def begin() -> None:
            if begun:
                return
            begun.append(True)
            weights = weights_of(self)
            probe.send(
                "fit_begin",
                {
                    "model": number,
                    "sample": told,
                    "arguments": plain_arguments(given),
                    **describe(keras, self),
                },
                {**arrays, **numbered("initial", weights)},
            )

        watcher = Watcher(begin)
        callbacks = given.get("callbacks")
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(watcher)
        elif isinstance(callbacks, (list, tuple)):
            given["callbacks"] = [*callbacks, watcher]
        else:
            given["callbacks"] = [callbacks, watcher] if callbacks is not None else [watcher]

        finished = False
        history: Any = None
        try:
            history = original(*bound.args, **bound.kwargs)
            finished = True
            return history
        finally:
            try:
                late: dict[str, np.ndarray] = {}
                late_told: dict[str, Any] = {}
                if recorder is not None and isinstance(recorder.first, tuple):
                    batch = recorder.first
                    late_told, late = take_sample(keras, batch[0], batch[1], None)
                    late_told["kind"] = "generator"
                weights = weights_of(self)
                probe.send(
                    "fit_end",
                    {
                        "model": number,
                        "begun": bool(begun),
                        "finished": finished,
                        "epochs_run": watcher.epochs,
                        "history": history_of(
                            history if finished else getattr(self, "history", None)
                        ),
                        "arguments": plain_arguments(given),
                        "late_sample": late_told,
                        **describe(keras, self),
                    },
                    {**late, **numbered("final", weights)},
                )
            except Exception:
                pass

    return fit


def history_of(history: Any) -> dict[str, list[float]]:
    """Give the numbers of a History object."""
    try:
        return {
            str(key): [float(value) for value in values[:HISTORY_ENTRIES]]
            for key, values in history.history.items()
        }
    except Exception:
        return {}


def install(shell: Any, kernel: Any) -> None:
    """Wrap ``fit`` and watch the namespace; without Keras there is nothing to watch."""
    try:
        import keras
    except ImportError:
        return
    probe = Probe(shell, kernel, keras)
    keras.Model.fit = wrap_fit(probe, keras.Model.fit)

    shell.events.register("post_run_cell", probe.after_cell)
