"""A real Ray cluster on this machine: the same table as without it, whatever dies meanwhile.

Where Ray is installed (`make ray`); CI does not install it. Minutes.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.record.store import Store
from tests.support.notebook_files import notebook, write

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
]
ROOT = Path(__file__).resolve().parents[2]
EXERCISE = "sequence-prediction"
STUDENTS = 30
TRAIN = (3, 17)  # these two train, the others have no model
PATIENCE = 900.0  # seconds that an end may take: reached only where it never comes
WORKER = b"ray::done_there"
# Whatever a notebook reaches of the cluster makes it end in an error.
REACHES = """
import socket
reached = []
for host in ({host!r}, "127.0.0.1"):
    try:
        socket.create_connection((host, {port}), timeout=3).close()
        reached.append(host)
    except OSError:
        pass
for path in {paths!r}:
    try:
        open(path, "rb").close()
        reached.append(path)
    except OSError:
        pass
assert not reached, reached
"""


@dataclass(frozen=True)
class Cluster:
    place: Path
    port: int
    mode: str = "token"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def token(self) -> Path:
        return self.place / ".ray" / "auth_token"

    def env(self, **more: str) -> dict[str, str]:
        own = {
            "HOME": str(self.place),
            "XDG_CACHE_HOME": str(self.place / "cache"),
            "GRADER_COURSE": str(ROOT),
            "GRADER_SECRET_FILE": str(self.place / "secret"),
            "GRADER_DATA": str(self.place / "data"),
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": self.mode,
            "RAY_ADDRESS": self.address,
            "RAY_TMPDIR": str(self.place / "t"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
        }
        return {**os.environ, **own, **more}

    def grade(self, *words: object, **env: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "grader", "grade", *map(str, words)]
        command += ["--exercise", EXERCISE, "--gpus", "none", "--lang", "en", "--format", "json"]
        return subprocess.Popen(
            command, env=self.env(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def workers(self) -> list[int]:
        """Workers of this cluster that are at a portion."""
        found = []
        for process in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                ours = f"HOME={self.place}".encode() in (process / "environ").read_bytes()
                if ours and (process / "cmdline").read_bytes().startswith(WORKER):
                    found.append(int(process.name))
        return found


@contextlib.contextmanager
def started(mode: str = "token") -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            cluster = Cluster(Path(folder), free.getsockname()[1], mode)
        if mode == "token":
            cluster.token.parent.mkdir(0o700)
            cluster.token.write_text("t" * 64)
            cluster.token.chmod(0o600)
        head = subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
                *(f"--port={cluster.port}", "--num-cpus=2", "--include-dashboard=false"),
                *("--node-ip-address=127.0.0.1", "--object-store-memory=200000000"),
            ],
            env={k: v for k, v in cluster.env().items() if k != "RAY_ADDRESS"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(lambda: _answers(cluster.port))
            yield cluster
        finally:
            head.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                head.wait(60)
            with contextlib.suppress(OSError):
                os.killpg(head.pid, signal.SIGKILL)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with started() as one:
        hand_in(one)
        yield one


def hand_in(cluster: Cluster) -> None:
    sample = ROOT / "reference" / EXERCISE / "submissions" / "accepted" / "textbook.ipynb"
    source = sample.read_text(encoding="utf-8")
    assert "epochs=100" in source
    sockets = [str(path) for path in (cluster.place / "t").rglob("*") if not path.is_dir()]
    paths = [str(cluster.token), *sockets[:20]]
    reaches = REACHES.format(host=socket.gethostname(), port=cluster.port, paths=paths)
    for number in range(STUDENTS):
        path = cluster.place / "class" / f"s{number:02d}" / f"{EXERCISE}.ipynb"
        if number in TRAIN:
            path.parent.mkdir(parents=True)
            path.write_text(source.replace("epochs=100", f"epochs={number}"), encoding="utf-8")
        else:
            write(path, notebook(f"x = {number}", reaches))


def finished(process: subprocess.Popen[bytes]) -> tuple[int, Any]:
    out, err = process.communicate(timeout=PATIENCE)
    assert out, err.decode()
    return process.returncode, json.loads(out)


def table(told: Any) -> list[tuple[object, ...]]:
    """All but times, in the order in which it is shown."""
    return [
        (one["student"], one["exercise"], one["verdict"], one["score"], json.dumps(one["checks"]))
        for one in told["results"]
    ]


@pytest.fixture(scope="module")
def local(cluster: Cluster) -> tuple[int, Any, float]:
    began = time.monotonic()
    code, told = finished(cluster.grade(cluster.place / "class", "--out", cluster.place / "local"))
    return code, told, time.monotonic() - began


def test_a_class_on_ray_is_the_same_table_though_a_worker_is_killed(
    cluster: Cluster, local: tuple[int, Any, float]
) -> None:
    out = cluster.place / "ray"
    began = time.monotonic()
    grading = cluster.grade(cluster.place / "class", "--out", out, "--runner", "ray")
    until(lambda: len(list(out.glob("results/*/record.json"))) > 4 or grading.poll() is not None)
    (killed, *_) = cluster.workers()
    os.kill(killed, signal.SIGKILL)
    code, told = finished(grading)
    seconds = time.monotonic() - began
    assert code == local[0]
    assert table(told) == table(local[1])
    assert len({row[0] for row in table(told)}) == STUDENTS
    assert not list((out / "journal").iterdir())
    assert not (out / "faults").exists()
    each = [round(one / STUDENTS, 2) for one in (local[2], seconds)]
    print(f"\nseconds per submission: local {each[0]}, ray {each[1]} (a worker killed)")


def test_runs_that_came_back_are_kept_whole(cluster: Cluster) -> None:
    store, alone = Store(cluster.place / "ray"), Store(cluster.place / "local")
    for record in store.latest():
        run = store.load_execution(record.execution_key)
        other = alone.load_execution(record.execution_key)
        assert run is not None
        assert other is not None
        assert run.outcome == other.outcome


def test_no_notebook_reaches_the_cluster_that_another_program_does(
    cluster: Cluster, local: tuple[int, Any, float]
) -> None:
    reaches = REACHES.format(host="127.0.0.1", port=cluster.port, paths=[str(cluster.token)])
    outside = subprocess.run([sys.executable, "-c", reaches], capture_output=True, check=False)
    assert b"AssertionError" in outside.stderr
    # Those of the class on Ray are the same, as its own test holds; what reached it raised.
    assert {one["verdict"] for one in local[1]["results"]} <= {
        "no_model",
        "accepted",
        "low_accuracy",
        "untrained",
    }


def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(
    cluster: Cluster, local: tuple[int, Any, float]
) -> None:
    out = cluster.place / "stopped"
    words = (cluster.place / "class", "--out", out, "--runner", "ray")
    grading = cluster.grade(*words)
    until(lambda: len(list(out.glob("results/*/record.json"))) > 2 or grading.poll() is not None)
    grading.send_signal(signal.SIGINT)
    grading.communicate(timeout=PATIENCE)
    assert grading.returncode == 130
    done = len(list(out.glob("results/*/record.json")))
    assert 0 < done < STUDENTS
    until(lambda: not cluster.workers())
    ended = cluster.grade(*words)
    until(lambda: len(list(out.glob("results/*/record.json"))) > done or ended.poll() is not None)
    for _ in range(2):
        ended.send_signal(signal.SIGINT)
        time.sleep(0.5)
    ended.communicate(timeout=PATIENCE)
    assert ended.returncode == 130
    until(lambda: not cluster.workers())
    code, told = finished(cluster.grade(*words))
    assert code == local[0]
    assert table(told) == table(local[1])


def test_a_cluster_that_lets_everybody_in_is_refused(tmp_path: Path) -> None:
    with started("disabled") as open_one:
        write(tmp_path / "class" / "kim" / f"{EXERCISE}.ipynb", notebook("x = 1"))
        for mode in ("disabled", "token"):
            token = {"RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN": "t" * 64}
            words = (tmp_path / "class", "--out", tmp_path / mode, "--runner", "ray")
            refused = open_one.grade(*words, **token)
            _, err = refused.communicate(timeout=PATIENCE)
            assert refused.returncode == 2
            assert b"lets in whoever comes" in err or b"RAY_AUTH_MODE" in err
            assert not list((tmp_path / mode).glob("results/*"))
