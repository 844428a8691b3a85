"""In the notebook's room: becomes the Jupyter kernel of a notebook, with the probe installed.

Enters: argv[1], a JSON file with the connection and the seed; on stdin, a unix socket, the sockets
on which to listen. Leaves: a running ipykernel. Touches: its own process.

Runs as a script, and imports nothing of the judge's. Whatever it sends is a claim: the student's
code shares this process.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grader.kernel import (
        data_files,
        found_beside,
        given_sockets,
        lacks,
        notebook_habits,
        old_api,
        one_step,
        own_files,
        own_places,
        printing,
        probe,
        remarks,
        restarts,
        usual_files,
    )
else:
    import data_files  # a script finds its neighbours by their bare names
    import found_beside
    import given_sockets
    import lacks
    import notebook_habits
    import old_api
    import one_step
    import own_files
    import own_places
    import printing
    import probe
    import remarks
    import restarts
    import usual_files

HERE = Path(__file__).resolve().parent


def seed_everything(seed: int) -> None:
    """Seed what an unseeded notebook draws from: ``random``, NumPy and Keras."""
    random.seed(seed)
    try:
        import numpy as np

        np.random.seed(seed)  # noqa: NPY002 - notebooks use the global generator
        import keras

        keras.utils.set_random_seed(seed)
    except ImportError:
        # Without Keras the notebook's own import fails, visibly; that is its transcript's story.
        return


def seed_before_first_cell(shell: Any, seed: int) -> None:
    """Seed at the last moment and in the thread that runs cells.

    Starting a kernel draws from ``random`` an uncertain number of times, and Keras takes the seeds
    of its initializers from there.
    """

    def first(*_: object) -> None:
        shell.events.unregister("pre_run_cell", first)
        seed_everything(seed)

    shell.events.register("pre_run_cell", first)


def main() -> None:
    """Start the kernel; returns when it is shut down."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # Only where it is asked for: a student may have a module of that name.
    orders = importlib.import_module("orders") if settings.get("order_bytes") else None
    sys.path[0] = str(HERE / "site")  # in place of this folder: students have modules named probe
    os.environ.pop("JPY_PARENT_PID", None)
    seed_everything(settings["seed"])  # imports the engine while the student's time stands still

    app = given_sockets.kernel_app(settings["connection"])
    printing.install()
    notebook_habits.install(app.shell)
    told = remarks.Remarks(app.kernel)
    lacks.install(app.shell, app.kernel, told, settings["said"], settings["epochs"])
    restarts.install(app.shell, app.kernel, told)
    trainer = None
    if orders is not None:  # below the probe, which sees what came of it
        trainer = orders.install(app.kernel, settings["order_bytes"], probe.__name__)
    if settings.get("one_step"):
        one_step.install()  # below the probe, which sees what was asked for
    elsewhere = None if trainer is None else probe.Elsewhere(trainer.trained, settings["shown"])
    probe.install(app.shell, app.kernel, elsewhere)
    files: usual_files.Files = usual_files.Beside(Path.cwd())
    if settings.get("data"):
        files = data_files.install(Path(settings["data"]), told)
    usual_files.install(app.shell, files)
    found_beside.install(app.shell, files)
    if settings["old_api"]:
        old_api.install(told)  # above the probe, which sees what really ran
    own_places.install(told)  # above the calls of the books' time, which keep the path
    if trainer is not None:
        trainer.ready()
    seed_before_first_cell(app.shell, settings["seed"])
    if settings.get("own"):
        own_files.install(Path(settings["own"]))  # last: nothing of ours is imported from there
    app.start()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
