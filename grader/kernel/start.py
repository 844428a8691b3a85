"""K: becomes the Jupyter kernel of one student's notebook, with the probe installed.

Enters: argv[1], a JSON file with the connection, the seed and the engine. Leaves: a running ipykernel.
Touches: the sockets' folder, its own process. Runs inside the room, as a script, and imports nothing
of the judge's. Whatever it sends is a claim: the student's code shares this process.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

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


def main() -> None:
    """Start the kernel; returns when it is shut down."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sys.path[:0] = [str(HERE / "site")]
    os.environ.pop("JPY_PARENT_PID", None)
    seed_everything(settings["seed"])

    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    app.initialize(["-f", settings["connection"], "--IPKernelApp.quiet=True"])

    sys.path.insert(0, str(HERE))
    import notebook_habits
    import probe

    sys.path.remove(str(HERE))
    notebook_habits.install(app.shell)
    probe.install(app.shell, app.kernel)
    app.start()


if __name__ == "__main__":
    main()
