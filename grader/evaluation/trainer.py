"""In the trainer's room: trains orders, one after the other, as Keras' own ``fit`` does.

Enters: argv[1], a folder with ``NNNN.json`` and ``NNNN.npz`` for each order; argv[3], if any, a
folder with the recurrent kernel; on stdin a byte each time that there is more. Leaves in argv[2]
the same names with what came of it, as soon as it is there, in ``progress`` which order and epoch
is being done, and in ``kernel`` what is wrong with the kernel: then nothing is trained here, for
results are kept by what computed them. Touches nothing else but a folder of its own for what it
compiled. Runs as a script and imports nothing of the judge's. Where an order left anything behind
that another one would meet, it ends.

Every object is made here from a name in a table and from plain settings; no configuration is ever
deserialised. An order that fails says in which step; the others go on.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from grader.evaluation import left_behind, recurrent_check, trainable, worker
else:
    import left_behind  # a script finds its neighbours by their bare names
    import recurrent_check
    import trainable
    import worker

NUMBERS = ("stopped_epoch", "best", "best_epoch", "wait", "cooldown_counter")  # of callbacks
LONGEST_ERROR = 500
Arrays = dict[str, np.ndarray]


def made(keras_module: Any, table: dict[str, frozenset[str]], told: dict[str, Any]) -> Any:
    """Make a built-in object of a table from its name and settings."""
    name, settings = told["name"], told["settings"]
    if name not in table or not settings.keys() <= table[name]:
        raise ValueError(f"{name!r} is not in the table, or a setting of it")
    return getattr(keras_module, name)(**settings)


def optimizer_of(keras: Any, told: dict[str, Any]) -> Any:
    """Make the optimizer; its learning rate may be a schedule."""
    settings = dict(told["settings"])
    rate = settings.get("learning_rate")
    if isinstance(rate, dict):
        schedules = keras.optimizers.schedules
        settings["learning_rate"] = made(schedules, trainable.SCHEDULES, rate)
    decay = settings.pop(trainable.DECAY, None)
    optimizer = made(keras.optimizers, trainable.OPTIMIZERS, {**told, "settings": settings})
    return decaying(keras, optimizer, decay) if decay else optimizer


def decaying(keras: Any, optimizer: Any, decay: float) -> Any:
    """Let each update have the rate that InverseTimeDecay gives with one step.

    The optimizer's own rate stays what it is, as it did: callbacks read it, and set it.
    """
    usual = optimizer._backend_update_step  # noqa: SLF001 - Keras has no other place for it

    def decayed(gradients: Any, variables: Any, rate: Any) -> Any:
        updates = keras.ops.cast(optimizer.iterations, "float32")
        return usual(gradients, variables, rate / (1.0 + decay * updates))

    optimizer._backend_update_step = decayed  # noqa: SLF001
    return optimizer


def metric_of(keras: Any, told: dict[str, Any], number: int, model: Any, y: np.ndarray) -> Any:
    """Make a metric that is reported by its position: names are the notebook's own."""
    if told["name"] == trainable.ACCURACY:
        told = {**told, "name": accuracy_of(model.output_shape, y.shape)}
    metric = made(keras.metrics, trainable.METRICS, told)
    metric.name = f"metric_{number}"
    return metric


def accuracy_of(said: tuple[int | None, ...], wanted: tuple[int, ...]) -> str:
    """Which accuracy is meant, by the shapes of outputs and targets: as Keras decides it."""
    if said[-1] == 1:
        return "BinaryAccuracy"
    sparse = len(wanted) < len(said) or wanted[-1] == 1
    return "SparseCategoricalAccuracy" if sparse else "CategoricalAccuracy"


def compiled(keras: Any, model: Any, order: dict[str, Any], arrays: Arrays) -> None:
    """Compile the model as the order says."""
    lists: dict[str, list[Any]] = {}
    number = 0
    for name in ("metrics", "weighted_metrics"):
        lists[name] = []
        for told in order[name]:
            lists[name].append(metric_of(keras, told, number, model, arrays["y"]))
            number += 1
    model.compile(
        optimizer=optimizer_of(keras, order["optimizer"]),
        loss=made(keras.losses, trainable.LOSSES, order["loss"]),
        **lists,
    )


def go_on(model: Any, order: dict[str, Any], arrays: Arrays) -> None:
    """Put the model where an earlier training left it, and its optimizer where that is asked."""
    model.set_weights([arrays[name] for name in numbered(arrays, "before_w")])
    if not order["after"]["goes_on"]:
        return
    model.optimizer.build(model.trainable_variables)
    state = [arrays[name] for name in numbered(arrays, "before_o")]
    variables = model.optimizer.variables
    if [tuple(v.shape) for v in variables] != [one.shape for one in state]:
        raise ValueError("the optimizer is another one than that of the earlier training")
    for variable, value in zip(variables, state, strict=True):
        variable.assign(value)
    rate = order["optimizer"]["settings"].get("learning_rate")
    if isinstance(rate, (int, float)):  # the notebook may have changed it in between
        model.optimizer.learning_rate = rate


def numbered(arrays: Arrays, prefix: str) -> list[str]:
    """Give the names of arrays that were numbered, in order."""
    return sorted(name for name in arrays if name.rpartition("_")[0] == prefix)


def callbacks_of(keras: Any, order: dict[str, Any]) -> list[Any]:
    """Make the callbacks that decide about epochs and rates."""
    found = [made(keras.callbacks, trainable.CALLBACKS, told) for told in order["callbacks"]]
    rates = order["rates"]
    if rates is not None:
        first = order["fit"]["initial_epoch"]
        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: float(rates[epoch - first]))
        found.insert(0, schedule)
    return found


def drawn(keras: Any, order: dict[str, Any], arrays: Arrays) -> Any:
    """Give the batches that were drawn beforehand, those of one epoch at a time.

    Gives what ``fit`` takes for them, and the callback that turns to the next epoch.
    """
    names = [name for name in ("x", "y", "sample_weight") if name in arrays]
    batches = np.split(arrays["turns"], np.cumsum(arrays["sizes"])[:-1])
    steps, first = order["fit"]["steps_per_epoch"], order["fit"]["initial_epoch"]

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # a base of the engine's
        epoch = 0

        def __len__(self) -> int:
            return int(steps)

        def __getitem__(self, step: int) -> tuple[np.ndarray, ...]:
            turn = batches[self.epoch * steps + step]
            return tuple(arrays[name][turn] for name in names)

    class Turning(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del logs
            data.epoch = epoch - first

    data = Batches()
    return data, Turning()


def watching(keras: Any, model: Any, begun: Any, every_epoch: list[Any] | None) -> Any:
    """Make the callback that tells of progress and keeps weights after each epoch."""

    class Watching(keras.callbacks.Callback):  # type: ignore[misc]  # a base of the engine's
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            del logs
            begun(epoch)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            del epoch, logs
            if every_epoch is not None:
                every_epoch.append(model.get_weights())

    return Watching()


def fitted(
    keras: Any, model: Any, order: dict[str, Any], arrays: Arrays, callbacks: list[Any]
) -> Any:
    """Fit the model as the order says; gives Keras' History."""
    fit = dict(order["fit"])
    weights = {int(label): weight for label, weight in fit.pop("class_weight")}
    if "validation_x" in arrays:
        names = ("validation_x", "validation_y", "validation_weight")
        fit["validation_data"] = tuple(arrays[name] for name in names if name in arrays)
    if "turns" in arrays:
        batches, turning = drawn(keras, order, arrays)
        fit |= {"batch_size": None, "steps_per_epoch": None}
        return model.fit(batches, callbacks=[turning, *callbacks], verbose=0, **fit)
    return model.fit(
        arrays["x"],
        arrays["y"],
        sample_weight=arrays.get("sample_weight"),
        class_weight=weights or None,
        callbacks=callbacks,
        verbose=0,
        **fit,
    )


def perform(keras: Any, order: dict[str, Any], arrays: Arrays, begun: Any) -> tuple[Any, Arrays]:
    """Do one order; what fails says in which step."""
    told: dict[str, Any] = {}
    results: Arrays = {}
    began, step = time.monotonic(), "build"
    try:
        keras.utils.set_random_seed(order["seed"])
        model = worker.build(keras, order["architecture"], fresh=order["after"] is None)
        compiled(keras, model, order, arrays)
        if order["after"] is not None:
            step = "continue"
            go_on(model, order, arrays)
        told["building"] = round(time.monotonic() - began, 3)
        step, began = "fit", time.monotonic()
        callbacks = callbacks_of(keras, order)
        every_epoch: list[Any] | None = [] if order["each_epoch"] else None
        watch = watching(keras, model, begun, every_epoch)
        first = model.get_weights()
        history = fitted(keras, model, order, arrays, [*callbacks, watch])
        told["training"] = round(time.monotonic() - began, 3)
        step = "result"
        given = callbacks[len(callbacks) - len(order["callbacks"]) :]
        told |= {
            "history": {k: [worker.plain(v) for v in vs] for k, vs in history.history.items()},
            "epochs": len(history.epoch),
            "updates": int(model.optimizer.iterations),
            "moved": not all(map(np.array_equal, first, model.get_weights())),
            "callbacks": [numbers_of(one) for one in given],
        }
        results = named("w", model.get_weights())
        results |= named("o", [np.asarray(v) for v in model.optimizer.variables])
        for number, weights in enumerate(every_epoch or []):
            results |= named(f"e{number}", weights)
    except Exception as error:  # noqa: BLE001 - one order's failure is that order's answer
        text = f"{type(error).__name__}: {error}"
        return {"failed": step, "error": text[:LONGEST_ERROR]}, {}
    return told, results


def numbers_of(callback: Any) -> dict[str, float | None]:
    """Give the numbers that people ask Keras' callbacks for afterwards."""
    found = {name: getattr(callback, name) for name in NUMBERS if hasattr(callback, name)}
    return {k: None if v is None else worker.plain(v) for k, v in found.items()}


def named(prefix: str, arrays: list[np.ndarray]) -> Arrays:
    """Name arrays so that their order survives."""
    return {f"{prefix}_{number:04d}": np.asarray(one) for number, one in enumerate(arrays)}


def keep_compiled() -> None:
    """Compile nothing twice: what this process compiled, and what it was lent, lies in a folder.

    Keras compiles every fit anew, and a later one of an equal model needs just the same. Where the
    lent folder is being filled, it is that one. What something is kept by must not name the folder.
    """
    jax = importlib.import_module("jax")
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    lent = jax.config.jax_compilation_cache_dir
    if lent and not jax.config.jax_persistent_cache_min_compile_time_secs:
        return
    place = Path(tempfile.mkdtemp())
    for path in Path(lent).iterdir() if lent else ():
        (place / path.name).symlink_to(path)
    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def asked(path: Path) -> tuple[dict[str, Any], Arrays]:
    """Read an order and its arrays."""
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    order: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return order, arrays


def tell_progress(out: Path, stem: str, epoch: int) -> None:
    """Say which epoch of which order is being done; -1: it is still being built."""
    new = out / ".progress"
    new.write_text(json.dumps([int(stem), epoch]), encoding="utf-8")
    new.replace(out / "progress")


def leave(out: Path, stem: str, told: dict[str, Any], results: Arrays) -> None:
    """Leave what came of an order."""
    np.savez(out / f"{stem}.npz", **results)  # type: ignore[arg-type]
    (out / f".{stem}").write_text(json.dumps(told), encoding="utf-8")
    (out / f".{stem}").replace(out / f"{stem}.json")  # whole, or not at all


def do(keras: Any, path: Path, out: Path) -> None:
    """Do one order, and forget it."""

    def begun(epoch: int) -> None:
        tell_progress(out, path.stem, epoch)

    begun(-1)
    order, arrays = asked(path)
    leave(out, path.stem, *perform(keras, order, arrays, begun))
    keras.utils.clear_session()


def main() -> None:
    """Do every order of the request, and what is asked later, until there is no more."""
    import keras

    given, out, *kernel = map(Path, sys.argv[1:])
    keep_compiled()
    if kernel:
        wrong = recurrent_check.taken_up(kernel[0])
        recurrent_check.say(out, wrong)
        if wrong:
            return
    began, done = left_behind.state_of(keras), set[str]()
    while True:
        for path in sorted(path for path in given.glob("*.json") if path.stem not in done):
            done.add(path.stem)
            do(keras, path, out)
            if left := left_behind.changed(began, left_behind.state_of(keras)):
                sys.exit(f"left behind: {', '.join(left)}"[:LONGEST_ERROR])
        gc.collect()
        if not os.read(0, 1):
            return


if __name__ == "__main__":
    main()
