"""What the check in a notebook costs where Colab's packages are already: seconds, bytes, changes.

    python benchmarks/light_install.py --python python3.13 --place /tmp/light

Makes a virtual environment with Colab's versions as far as an index has them (minutes, once; kept
in ``--place``), takes the two wheels of a release, the grader's own and the course's, and installs
both there as a notebook's cell does. Told as JSON: seconds of the clock and of the processor,
megabytes more, with byte code; packages that came and packages that were changed; what a first and
a second check took, and what they said of right work.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from grader.authoring.bundle import release
from grader.course.load import load_course

ROOT = Path(__file__).resolve().parents[1]
# As a Colab runtime of 2026 has them.
COLAB = ("numpy==2.1.*", "tensorflow==2.20.*", "keras==3.13.*", "jupyter_client==7.4.9")
PROGRAM = """
import json, time
import keras, numpy as np
X = np.array([[[.1 * (i + j)] for j in range(4)] for i in range(6)])
Y = np.array([.1 * (i + 4) for i in range(6)])
model = keras.Sequential(
    [keras.layers.Input((4, 1)), keras.layers.SimpleRNN(10), keras.layers.Dense(1)])
model.compile(optimizer='adam', loss='mse')
In = ['', 'history = model.fit(X, Y, epochs=100, verbose=0)']
exec(In[1])
begun = time.monotonic()
from grader import check
first = check('sequence-prediction', lang='en')
told = {'first_check': round(time.monotonic() - begun, 2)}
begun = time.monotonic()
check('sequence-prediction', lang='en')
told['next_check'] = round(time.monotonic() - begun, 3)
told |= {'keras': keras.__version__, 'numpy': np.__version__, 'right': first.right}
print(json.dumps(told | {'asked': first.asked, 'backend': keras.backend.backend()}))
"""


def environment(place: Path, python: str) -> Path:
    """Make the environment where it is not there; give its interpreter."""
    own = place / "env" / "bin" / "python"
    if not own.exists():
        subprocess.run([python, "-m", "venv", str(place / "env")], check=True)
        pip(own, "install", "--quiet", *COLAB)
    return own


def pip(python: Path | str, *arguments: str) -> str:
    """Run pip of an environment."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def wheels(place: Path) -> list[str]:
    """Make the two wheels that a notebook's cell installs, as a release hands them out."""
    made = place / "wheels"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    with tempfile.TemporaryDirectory() as folder:
        release(load_course(ROOT), Path(folder) / "course")
        for path in (Path(folder) / "course").glob("*.whl"):
            shutil.copy(path, made)
    return [str(path) for path in sorted(made.glob("*.whl"))]


def packages(python: Path) -> dict[str, str]:
    """Give the versions of what is installed."""
    return {one["name"]: one["version"] for one in json.loads(pip(python, "list", "--format=json"))}


def size(folder: Path) -> int:
    """Give the bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def processor() -> float:
    """Give the processor's seconds of all programs that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(python: Path, files: list[str]) -> dict[str, Any]:
    """Install, and say what that changed."""
    pip(python, "uninstall", "--yes", "--quiet", "rnn-grader", "grader-course")
    site = python.parent.parent / "lib"
    before, bytes_before = packages(python), size(site)
    begun, used = time.monotonic(), processor()
    pip(python, "install", "--quiet", *files)
    told: dict[str, Any] = {
        "seconds": round(time.monotonic() - begun, 1),
        "processor_seconds": round(processor() - used, 1),
        "megabytes": round((size(site) - bytes_before) / 1e6, 1),
    }
    after = packages(python)
    told["came"] = {name: one for name, one in after.items() if name not in before}
    told["changed"] = {
        name: after.get(name) for name, one in before.items() if after.get(name) != one
    }
    return told


def main() -> None:
    """Measure, and print one object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", default="python3.13")
    parser.add_argument("--place", type=Path, default=Path(".grader/light-install"))
    given = parser.parse_args()
    place = given.place.resolve()
    place.mkdir(parents=True, exist_ok=True)
    python = environment(place, given.python)
    told = measured(python, wheels(place))
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [str(python), "-c", PROGRAM], cwd=empty, env=clean, check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    told["check"] = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
