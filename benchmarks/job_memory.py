"""How much memory does one notebook take while it is graded, and the fork servers it came from?

Three notebooks of the benchmark's class have a few epochs trained by a room of the grader's, two at
a time. Ten times a second the proportional set size (PSS) of every process is read: what processes
share is divided among them. Told are, per kind of process, how many there were at once and the
largest PSS of one of them and of all of them together.

    python benchmarks/job_memory.py
    python benchmarks/job_memory.py --no-trainer   # notebooks train by themselves
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("class")))

from grade_class import family, pss_mb
from notebooks import the_class, write

from grader import user_folders

ROOT = Path(__file__).resolve().parents[1]
KINDS = {
    "notebook (kernel)": "/grader/kernel/",
    "driver": "/grader/driver/",
    "trainer": "/grader/evaluation/trainer.py",
    "evaluation": "/grader/evaluation/",
    "fork server": " fork-server",
    "grader": " grader grade ",
}


def main() -> None:
    """Grade, look, tell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--no-trainer", action="store_true", help="notebooks train by themselves")
    given = parser.parse_args()
    seen = Seen()
    with tempfile.TemporaryDirectory(prefix="job-memory-") as folder:
        place = Path(folder)
        for one in the_class(given.epochs)[::4]:
            write(place / "class" / one.student / f"{one.exercise}.ipynb", one.cells)
        command = [sys.executable, "-m", "grader", "grade", "class", "--out", "out"]
        alone = given.no_trainer
        process = subprocess.Popen(
            [*command, "--jobs", str(given.jobs), "--no-trainer" if alone else "--trainer"],
            cwd=place,
            env=os.environ | {"GRADER_COURSE": str(ROOT)} | ({} if alone else own_results(place)),
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            seen.look(process.pid)
            time.sleep(0.1)
    print(f"{'':<20}{'at once':>8}{'most, MB':>10}{'all, MB':>9}")
    for kind, largest in seen.largest.items():
        print(f"{kind:<20}{seen.at_once[kind]:>8}{largest:>10.0f}{seen.together[kind]:>9.0f}")
    print(f"everything together: {seen.all_mb:.0f} MB, {given.jobs} jobs")


def own_results(place: Path) -> dict[str, str]:
    """Make a cache with what is compiled here and no trainings yet; gives its name."""
    cache = place / "cache" / user_folders.OURS
    cache.mkdir(parents=True)
    for name in ("compiled", "kernel"):
        (cache / name).symlink_to(user_folders.cache() / user_folders.OURS / name)
    return {"XDG_CACHE_HOME": str(cache.parent)}


class Seen:
    """The largest figures so far, by kind of process."""

    def __init__(self) -> None:
        self.largest: dict[str, float] = defaultdict(float)
        self.together: dict[str, float] = defaultdict(float)
        self.at_once: dict[str, int] = defaultdict(int)
        self.all_mb = 0.0

    def look(self, pid: int) -> None:
        """Read all processes below ``pid``, itself among them."""
        now: dict[str, list[float]] = defaultdict(list)
        for one in family(pid):
            now[kind_of(one)].append(pss_mb(one))
        for kind, sizes in now.items():
            self.largest[kind] = max(self.largest[kind], *sizes)
            self.together[kind] = max(self.together[kind], sum(sizes))
            self.at_once[kind] = max(self.at_once[kind], len(sizes))
        self.all_mb = max(self.all_mb, sum(map(sum, now.values())))


def kind_of(pid: int) -> str:
    """Say what a process is, by its command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        words = []
    line = f"{' '.join(words).strip()} "
    return next((kind for kind, mark in KINDS.items() if mark in line), "rooms (bubblewrap)")


if __name__ == "__main__":
    main()
