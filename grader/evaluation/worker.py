"""In the evaluation room: rebuilds models from plain descriptions, predicts or trains with them.

Enters: argv[1], a folder with ``request.json`` and ``request.npz``; argv[3], if any, a folder with
the recurrent kernel. Leaves in argv[2]: ``response.json`` and ``response.npz``, in ``begun`` the
task that is being done, and in ``kernel`` what is wrong with the kernel: then nothing is done here.
Touches nothing else. Runs as a script and imports nothing of the judge's. It sees hidden inputs,
never hidden labels.

A task names an architecture and what to do with it: ``predict`` with given weights, or ``train``
from scratch on given arrays and then predict. A task that fails says why; the others go on. Only
trainings are computed by the kernel: what a model answers, Keras computes, whoever trained it.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING or __package__:
    from grader.evaluation import allowed, recurrent, recurrent_check
else:
    import allowed  # a script finds its neighbours by their bare names
    import recurrent
    import recurrent_check

BATCH = 250
BATCH_NUMBERS = 25_000_000  # that the widest layer may make of one batch
PREDICTED_NUMBERS = 16_000_000  # of one task
Computing = Callable[[], AbstractContextManager[None]]


def build(keras: Any, architecture: dict[str, Any], *, fresh: bool, cudnn: bool = True) -> Any:
    """Build a Sequential model from layer descriptions; only listed layers exist here.

    ``fresh``: with first weights as the description draws them. Where others take their place they
    are zeros: drawing them takes JAX a second, which compiles a program for every kind. ``cudnn``:
    whether a GPU may compute an LSTM by its library, which knows no batch axis but its own.
    """
    layers = [keras.Input(architecture["input_shape"], dtype=architecture["input_dtype"])]
    layers += [
        build_layer(keras, entry, fresh=fresh, cudnn=cudnn) for entry in architecture["layers"]
    ]
    model = keras.Sequential(layers)
    if model.count_params() > allowed.LARGEST_PARAMS:
        raise ValueError(f"{model.count_params()} parameters")
    return model


def build_layer(keras: Any, entry: dict[str, Any], *, fresh: bool, cudnn: bool = True) -> Any:
    """Build one layer, with its inner one where it is a wrapper."""
    name, config = entry["class"], dict(entry["config"])
    config.pop("stateful", None)
    if name in allowed.WRAPPERS:
        inner = build_layer(keras, entry["inner"], fresh=fresh, cudnn=cudnn)
        return getattr(keras.layers, name)(inner, **config)
    if name not in allowed.LAYERS:
        raise ValueError(f"layer {name!r} is not in the allow-list")
    for key, value in config.items():
        if key.endswith("initializer"):
            if value["class_name"] not in allowed.INITIALIZERS:
                raise ValueError(f"initializer {value['class_name']!r} is not in the allow-list")
            made = getattr(keras.initializers, value["class_name"])(**value["config"])
            config[key] = made if fresh else "zeros"
    if name == "LSTM" and not cudnn:
        config["use_cudnn"] = False
    return getattr(keras.layers, name)(**config)


def describe(model: Any) -> dict[str, Any]:
    """Give each layer's output shape without the batch axis, and its parameters."""
    layers = []
    for layer in model.layers:
        shape = layer.output.shape
        layers.append({"output_shape": list(shape[1:]), "params": int(layer.count_params())})
    return {"layers": layers, "total_params": int(model.count_params())}


def predict(model: Any, inputs: np.ndarray) -> np.ndarray:
    """Predict as float32, in batches that fit."""
    steps = inputs.shape[1] if inputs.ndim > 1 else 1
    if len(inputs) * count(model.output_shape[1:], steps) > PREDICTED_NUMBERS:
        raise ValueError(f"output of shape {model.output_shape[1:]} for {len(inputs)} rows")
    if len(inputs) == 0:
        return np.zeros((0, *model.output_shape[1:]), dtype=np.float32)
    widest = max(count(layer.output.shape[1:], steps) for layer in model.layers)
    batch = max(1, min(BATCH, BATCH_NUMBERS // widest))
    return np.asarray(model.predict(inputs, batch_size=batch, verbose=0), dtype=np.float32)


def count(shape: tuple[int | None, ...], steps: int) -> int:
    """Give how many numbers a shape holds, with ``steps`` where it leaves a size open."""
    return max(1, math.prod(steps if size is None else size for size in shape))


def loss_of(keras: Any, settings: dict[str, Any]) -> Any:
    """Give the loss by its name, or as an object where it takes logits."""
    name = settings["loss"]
    if name not in allowed.LOSSES:
        raise ValueError(f"loss {name!r} is not in the allow-list")
    if not settings.get("from_logits"):
        return name
    return getattr(keras.losses, allowed.FROM_LOGITS[name])(from_logits=True)


def train(keras: Any, model: Any, task: dict[str, Any], arrays: dict[str, np.ndarray]) -> Any:
    """Compile and fit as the task says; gives the history."""
    settings = task["compile"]
    if settings["optimizer"] not in allowed.OPTIMIZERS:
        raise ValueError(f"optimizer {settings['optimizer']!r} is not in the allow-list")
    options = dict(settings.get("options", {}))
    if decay := options.pop("decay", 0.0):
        schedules, rate = keras.optimizers.schedules, options["learning_rate"]
        options["learning_rate"] = schedules.InverseTimeDecay(rate, 1, decay)
    optimizer = getattr(keras.optimizers, settings["optimizer"])(**options)
    model.compile(optimizer=optimizer, loss=loss_of(keras, settings))
    x, y = arrays[task["x"]], arrays[task["y"]]
    lost = {"before": [model.evaluate(x, y, verbose=0)]} if task.get("compare") else {}
    history = model.fit(
        x,
        y,
        epochs=task["epochs"],
        batch_size=task.get("batch_size") or 32,
        steps_per_epoch=task.get("steps"),
        validation_split=task.get("validation_split") or 0.0,
        verbose=0,
    )
    if lost:
        lost["after"] = [model.evaluate(x, y, verbose=0)]
    told = {**history.history, **lost}
    return {key: [plain(v) for v in values] for key, values in told.items()}


def plain(value: Any) -> float | None:
    """Give a finite float, None for NaN and infinity."""
    value = float(value)
    return value if math.isfinite(value) else None


def perform(
    keras: Any,
    task: dict[str, Any],
    arrays: dict[str, np.ndarray],
    computing: Computing = nullcontext,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Do one task; what fails says in which step, and what was learned until then stays.

    ``computing``: has a training computed as it should be, for as long as it lasts.
    """
    began = time.monotonic()
    told: dict[str, Any] = {}
    predictions = None
    step = "build"
    try:
        if task.get("seed") is not None:
            keras.utils.set_random_seed(task["seed"])
        fresh = task["op"] == "train" or bool(task.get("inputs") and not task["weights"])
        model = build(keras, task["architecture"], fresh=fresh)
        told |= describe(model)
        if task["op"] == "train":
            step = "train"
            with computing():
                told["history"] = train(keras, model, task, arrays)
        elif task["weights"]:
            step = "weights"
            model.set_weights([arrays[name] for name in task["weights"]])
        if task.get("inputs"):
            step = "predict"
            predictions = predict(model, arrays[task["inputs"]])
    except Exception as error:  # noqa: BLE001 - one task's failure is that task's answer
        told |= {"error": f"{type(error).__name__}: {error}"[:500], "failed": step}
    told["seconds"] = round(time.monotonic() - began, 3)
    return told, predictions


def main() -> None:
    """Do every task of the request."""
    import keras

    request_folder, out, *folder = map(Path, sys.argv[1:])
    computing: Computing = nullcontext
    if folder:
        kernel = recurrent_check.tried(folder[0])
        recurrent_check.say(out, kernel if isinstance(kernel, str) else "")
        if isinstance(kernel, str):
            return
        computing = partial(recurrent.used, kernel)
    request = json.loads((request_folder / "request.json").read_text(encoding="utf-8"))
    with np.load(request_folder / "request.npz", allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    answers, results = {}, {}
    for task in request["tasks"]:
        (out / "begun").write_text(task["id"], encoding="utf-8")  # whose it is if we never end
        answers[task["id"]], predictions = perform(keras, task, arrays, computing)
        if predictions is not None:
            results[task["id"]] = predictions
    np.savez(out / "response.npz", **results)  # type: ignore[arg-type]  # names are not options
    (out / "response.json").write_text(json.dumps({"answers": answers}), encoding="utf-8")


if __name__ == "__main__":
    main()
