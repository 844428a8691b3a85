"""Many orders of the same shape in one program: weights, data and seeds are its batch axes.

Enters: orders that are alike, their arrays. Leaves: what ``trainer.perform`` gives, for each.
Touches: as a script, the folders of a trainer's room; it does what is alike then, and ends. With a
third argument it does so on an accelerator or not at all. For JAX; imports nothing of the judge's.

One recurrent layer of thirty units keeps a GPU as busy as a thousandth of it could be. Here Keras'
own steps (``train_step`` and ``test_step``, which change nothing but what they are given) are
mapped over orders, and an epoch is one compiled loop over batches. Each order draws its first
weights and its shuffling as ``fit`` does, so it comes to what it would have come to alone, but for
rounding.
"""

from __future__ import annotations

import gc
import math
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from grader.evaluation import trainer, worker
    from grader.evaluation.likeness import CHECKED, DATA, MOST_TOGETHER, likeness
else:
    import trainer  # a script finds its neighbours by their bare names
    import worker
    from likeness import CHECKED, DATA, MOST_TOGETHER, likeness

Arrays = dict[str, np.ndarray]
Done = tuple[dict[str, Any], Arrays]
NO_ACCELERATOR = "JAX finds no accelerator"


def perform_together(
    keras: Any,
    orders: Sequence[dict[str, Any]],
    arrays: Sequence[Arrays],
    begun: Callable[[int], None],
) -> list[Done]:
    """Train orders of one likeness; what fails fails for all, and is then tried one by one."""
    import jax

    began = time.monotonic()
    with jax.default_device(jax.devices("cpu")[0]):  # first weights are those of a core, to the bit
        model = _made(keras, orders[0], arrays[0])
        same = [_values(one) for one in (model.optimizer.variables, model.metrics_variables)]
        drawn = [_values_of(model), *(_drawn(keras, order) for order in orders[1:])]
        state = _stacked(jax, [(*own, *same) for own in drawn])
    first, fit = state[0], orders[0]["fit"]
    parted = [_parted(one, fit.get("validation_split", 0.0)) for one in arrays]
    rows, held_back = (_stacked(jax, [part[k] for part in parted]) for k in range(2))
    # There once, and not again in every epoch.
    data, checked, empty = jax.device_put((rows, held_back, state[3]))
    building = time.monotonic() - began
    epoch, check = _epoch(jax, model), _check(jax, model)
    results = jax.jit(jax.vmap(_results(model)))
    in_order = _in_order(checked, fit)
    histories: list[dict[str, np.ndarray]] = []
    began = time.monotonic()
    for number, batches in enumerate(_batches(orders, data[0].shape[1])):
        begun(number)
        state = (*state[:3], empty)  # metrics begin anew with every epoch
        for one in batches:
            state = epoch(state, data, one)
        told = _read(results(state[3]))
        if in_order:
            seen = (*state[:2], empty)
            for one in in_order:
                seen = check(seen, checked, one)
            told |= {f"val_{name}": value for name, value in _read(results(seen[2])).items()}
        histories.append(told)
    training = time.monotonic() - began
    share = len(orders)
    seconds = {"building": round(building / share, 3), "training": round(training / share, 3)}
    state = jax.tree.map(np.asarray, state)
    with jax.default_device(jax.devices("cpu")[0]):  # read order by order
        return [_one(model, place, state, first, histories, seconds) for place in range(share)]


def _made(keras: Any, order: dict[str, Any], given: Arrays) -> Any:
    """Make a model that is ready for its first step; it stands for all that are alike."""
    keras.utils.set_random_seed(order["seed"])
    model = _built(keras, order)
    trainer.compiled(keras, model, order, given)
    model.optimizer.build(model.trainable_variables)
    # As the first batch of ``fit`` would: metrics get their variables.
    few = [None if given.get(name) is None else given[name][:2] for name in DATA]
    model.compute_metrics(few[0], few[1], model(few[0]), few[2])
    model.reset_metrics()
    return model


def _drawn(keras: Any, order: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Give what an order's own seed draws; all else of its model is the first one's."""
    keras.utils.set_random_seed(order["seed"])
    return _values_of(_built(keras, order))


def _built(keras: Any, order: dict[str, Any]) -> Any:
    """Build a model of Keras' own loops, as on a core: cuDNN cannot be mapped over orders."""
    return worker.build(keras, order["architecture"], fresh=True, cudnn=False)


def _values_of(model: Any) -> tuple[list[Any], list[Any]]:
    return _values(model.trainable_variables), _values(model.non_trainable_variables)


def _values(variables: Any) -> list[Any]:
    return [np.asarray(variable.value) for variable in variables]


def _stacked(jax: Any, trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(one) for one in leaves]), *trees)


def _read(values: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in values.items()}


def _parted(arrays: Arrays, split: float) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """Give what is trained on and what is checked after each epoch, as ``fit`` parts them."""
    data = tuple(arrays.get(name) for name in DATA)
    if CHECKED[0] in arrays:
        return data, tuple(arrays.get(name) for name in CHECKED)
    if not split:
        return data, None
    trained = math.floor(len(arrays["x"]) * (1.0 - split))
    parts = (slice(None, trained), slice(trained, None))
    kept, held = (tuple(None if one is None else one[part] for one in data) for part in parts)
    return kept, held


def _in_order(checked: tuple[Any, ...] | None, fit: dict[str, Any]) -> list[np.ndarray]:
    """Give the batches of what is checked: full ones together, then what is left.

    Each is of shape (steps, rows of a batch), the same for all orders.
    """
    if checked is None:
        return []
    size = fit.get("validation_batch_size") or fit["batch_size"]
    rows = np.arange(checked[0].shape[1])
    whole = len(rows) // size * size
    parts = (rows[:whole].reshape(-1, size), rows[None, whole:])
    return [one for one in parts if one.size]


def _batches(orders: Sequence[dict[str, Any]], rows: int) -> Any:
    """Give for each epoch the rows of its batches: full ones together, then what is left.

    Each is of shape (orders, steps, rows of a batch). Keras draws one permutation before the first
    epoch, for the batch from which it builds.
    """
    fit = orders[0]["fit"]
    size = fit["batch_size"]
    whole = rows // size * size
    draws = [np.random.RandomState(order["seed"]) for order in orders]  # as Keras draws
    for number in range(-1, fit["epochs"]):
        drawn = [draw.permutation(rows) if fit["shuffle"] else np.arange(rows) for draw in draws]
        each = np.stack(drawn)
        if number >= 0:
            full = each[:, :whole].reshape(len(orders), -1, size)
            last = each[:, None, whole:]
            yield [one for one in (full, last) if one.shape[1] and one.shape[2]]


def _epoch(jax: Any, model: Any) -> Any:
    """Give the compiled loop over batches, for all orders at once."""
    return jax.jit(jax.vmap(_loop(jax, model.train_step)))


def _check(jax: Any, model: Any) -> Any:
    """Give the compiled loop over batches on which nothing is trained, for all orders at once."""
    return jax.jit(jax.vmap(_loop(jax, model.test_step), in_axes=(0, 0, None)))


def _loop(jax: Any, step_of: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    def step(state: Any, data: Any, rows: Any) -> Any:
        batch = tuple(None if one is None else one[rows] for one in data)
        _, after = step_of(state, batch)
        return tuple(list(part) for part in after)

    def loop(state: Any, data: Any, batches: Any) -> Any:
        after, _ = jax.lax.scan(lambda s, rows: (step(s, data, rows), None), state, batches)
        return after

    return loop


def _results(model: Any) -> Any:
    """Give a function from the metrics' variables to what the history tells."""

    def told(variables: Any) -> dict[str, Any]:
        import keras

        mapping = list(zip(model.metrics_variables, variables, strict=True))
        with keras.StatelessScope(mapping):
            return dict(model.get_metrics_result())

    return told


def _one(
    model: Any,
    place: int,
    state: Any,
    first: Any,
    histories: list[dict[str, np.ndarray]],
    told: dict[str, Any],
) -> Done:
    """Give one order's share, as ``trainer.perform`` tells it."""
    parts = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    for variables, values in zip(parts, state[:3], strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(np.asarray(value[place]))
    weights = model.get_weights()
    before = [np.asarray(one[place]) for one in first]
    now = [np.asarray(one[place]) for one in state[0]]
    names = histories[0] if histories else {}
    history = {name: [worker.plain(h[name][place]) for h in histories] for name in names}
    answer = told | {
        "history": history,
        "epochs": len(histories),
        "updates": int(model.optimizer.iterations),
        "moved": not all(map(np.array_equal, before, now)),
        "callbacks": [],
    }
    results = trainer.named("w", weights)
    results |= trainer.named("o", [np.asarray(one) for one in model.optimizer.variables])
    return answer, results


def do_together(keras: Any, paths: Sequence[Path], out: Path) -> None:
    """Do orders of one likeness; where that fails leave nothing of them."""
    import jax

    def begun(epoch: int) -> None:
        trainer.tell_progress(out, paths[0].stem, epoch)

    begun(-1)
    given = [trainer.asked(path) for path in paths]
    try:
        done = perform_together(keras, [one for one, _ in given], [one for _, one in given], begun)
    except jax.errors.JaxRuntimeError:  # the device's, or its memory's: the room ends over it
        raise
    except Exception:  # noqa: BLE001 - whose fault it is shows when each is tried alone
        traceback.print_exc()
        return
    for path, (told, results) in zip(paths, done, strict=True):
        trainer.leave(out, path.stem, told, results)
    keras.utils.clear_session()


def main() -> None:
    """Do what is alike of the request, each likeness in one program, and leave the rest undone."""
    import jax
    import keras

    given, out, *accelerator = map(Path, sys.argv[1:])
    if accelerator and jax.default_backend() == "cpu":  # JAX takes what there is
        sys.exit(NO_ACCELERATOR)
    trainer.keep_compiled()
    alike: dict[str, list[Path]] = {}
    for path in sorted(given.glob("*.json")):
        told = likeness(*trainer.asked(path))
        if told is not None:
            alike.setdefault(told, []).append(path)
    for paths in alike.values():
        for first in range(0, len(paths), MOST_TOGETHER):
            part = paths[first : first + MOST_TOGETHER]
            if len(part) > 1:
                do_together(keras, part, out)
                gc.collect()


if __name__ == "__main__":
    main()
