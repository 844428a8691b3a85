"""How long does it take to save the records of a class of a thousand, and to load them?

    python benchmarks/store_time.py

The class is made up: records as small as most, with a history of a hundred epochs each.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from grader.record.store import Store
from tests.support import builders as b

GOAL_SECONDS = 2.0
RECORDS = 1000
EPOCHS = 100


def measure(records: int = RECORDS) -> dict[str, object]:
    """Give the figures."""
    losses = tuple(1 / (1 + epoch) for epoch in range(EPOCHS))
    evidence = b.evidence(train=b.training(losses, losses))
    kept = [b.record(f"student{number:04}", evidence=evidence) for number in range(records)]
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder)) as store:
        began = time.perf_counter()
        for one in kept:
            store.save(one)
        saved = time.perf_counter()
        if len(store.latest()) != records:
            raise RuntimeError("not every record came back")
        loaded = time.perf_counter()
    return {
        "name": f"{records} records saved and loaded",
        "unit": "s",
        "value": round(loaded - began, 2),
        "goal": GOAL_SECONDS,
        "ratio": round((loaded - began) / GOAL_SECONDS, 2),
        "saved": round(saved - began, 2),
        "loaded": round(loaded - saved, 2),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
