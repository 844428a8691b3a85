"""The judge's own process: what it is at when it must be ended costs that and nothing else.

What happens inside is made to happen: the process is started with a function of ours put in the
place of one of its own. The one limit of time here is of processor time, by the kernel.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from grader.collect.collect import collect
from grader.collect.notebooks import Malformed
from grader.pipeline import judges
from grader.pipeline.judges import Judges
from grader.types import GraderError
from tests.support.notebook_files import notebook, raw

ROOT = Path(__file__).parents[2]
FINE = raw(notebook("x = 1"))
# In the process: what a notebook that holds a word does to whoever reads it.
ODD = """
import sys; sys.path.insert(0, sys.argv[5])
import os, signal
from pathlib import Path
from grader.collect import notebooks
from grader.execute import claims
read = notebooks.parse_notebook
def loop(*_):
    while True:
        pass
claims.read_claims = lambda folder: os._exit(7) if folder.name == "leave" else loop()
def odd(data):
    if b"loop" in data:
        loop()
    if b"crash" in data:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"leave" in data:
        os._exit(7)
    if b"memory" in data:
        return bytearray(1 << 50)
    if b"deep" in data:
        return odd(data)
    if b"sleep" in data:
        signal.pause()
    return read(data)
notebooks.parse_notebook = odd
from grader.pipeline.judge_worker import main
main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
"""


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes in which some notebooks do harm."""
    monkeypatch.setattr(judges, "_START", ODD)


def test_a_notebook_is_read_and_looked_at_there(tmp_path: Path) -> None:
    one = Judges(tmp_path)
    read = one.read(raw(notebook("import tensorflow as tf\ntf.function(f)")))
    assert read.cells[0].source.startswith("import")
    reason = one.look(read).needs_tensorflow
    assert reason is not None
    assert reason.id == "engines.only_tensorflow"
    one.close()


def test_claims_are_read_there(tmp_path: Path) -> None:
    """And what models share is still one array."""
    (tmp_path / "evidence").mkdir()
    told = {"event": "seen", "cell": 3, "config": {}}
    for model in (1, 2):
        stem = tmp_path / "evidence" / f"{model:08d}"
        stem.with_suffix(".json").write_text(json.dumps(told | {"model": model}))
        np.savez(stem.with_suffix(".npz"), final_0=np.ones(9))
    one = Judges(tmp_path)
    claims = one.claims(tmp_path)
    one.close()
    first, second = claims.candidates
    assert first.final[0] is second.final[0]
    assert first.final[0].sum() == 9


def test_one_process_does_one_thing_after_the_other(tmp_path: Path) -> None:
    one = Judges(tmp_path)
    one.prepare()
    (process,) = one._idle
    for _ in range(3):
        one.read(FINE)
    assert one._idle == [process]
    one.close()
    assert process.popen.poll() is not None


def test_what_all_of_a_submission_takes_is_added_up(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    one, spent = Judges(tmp_path), list[float]()
    for times in (1, 2):
        one.claims(tmp_path, spent)
        assert len(spent) == times
        assert 0 < sum(spent) < one.seconds
    one.close()


def test_what_is_no_notebook_is_malformed_as_before(tmp_path: Path) -> None:
    one = Judges(tmp_path)
    with pytest.raises(Malformed) as error:
        one.read(b"{}")
    assert error.value.message.id == "collect.not_a_notebook"
    assert len(one._idle) == 1
    one.close()


@pytest.mark.usefixtures("odd")
class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("word", "said", "reason"),
        [
            (b"loop", "judge.time", ""),
            (b"crash", "judge.ended", "SIGSEGV"),
            (b"leave", "judge.ended", "7"),
            (b"memory", "pipeline.fault", "MemoryError"),
            (b"deep", "pipeline.fault", "RecursionError"),
        ],
    )
    def test_it_is_our_fault_and_the_next_one_gets_a_fresh_process(
        self, word: bytes, said: str, reason: str, tmp_path: Path
    ) -> None:
        one = Judges(tmp_path, seconds=3)
        with pytest.raises(GraderError) as error:
            one.read(word)
        assert error.value.message.id == said
        assert reason in str(error.value.message.args)
        assert one._idle == []
        assert one.read(FINE).cells
        one.close()

    def test_claims_that_take_too_long_cost_their_own_run(self, tmp_path: Path) -> None:
        one = Judges(tmp_path, seconds=3)
        with pytest.raises(GraderError) as error:
            one.claims(tmp_path)
        assert error.value.message.id == "judge.time"
        assert one.read(FINE).cells
        one.close()

    def test_one_submission_ends_it_so_often_and_is_not_asked_about_again(
        self, tmp_path: Path
    ) -> None:
        one, spent = Judges(tmp_path, seconds=10), list[float]()
        said = []
        for _ in range(judges.MOST_TIMES + 2):
            with pytest.raises(GraderError) as error:
                one.claims(tmp_path / "leave", spent)
            said.append(error.value.message.id)
        assert said == ["judge.ended"] * judges.MOST_TIMES + ["judge.altogether"] * 2
        assert one._idle == []
        assert one.read(FINE).cells  # others are
        one.close()

    def test_one_that_waits_for_ever_is_ended_as_well(self, tmp_path: Path) -> None:
        one = Judges(tmp_path, wall_seconds=0.5)
        with pytest.raises(GraderError) as error:
            one.read(b"sleep")
        assert error.value.message.id == "judge.time"
        assert one._idle == []

    def test_a_process_that_was_killed_while_it_waited_is_replaced(self, tmp_path: Path) -> None:
        one = Judges(tmp_path)
        one.read(FINE)
        (process,) = one._idle
        process.popen.kill()
        process.popen.wait()
        assert one.read(FINE).cells
        one.close()

    def test_a_batch_is_collected_but_for_the_one(self, tmp_path: Path) -> None:
        for name, data in (("a", FINE), ("b", raw(notebook("loop"))), ("c", FINE)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "x.ipynb").write_bytes(data)
        one = Judges(tmp_path, seconds=3)
        found = collect([tmp_path], exercise_ids=(), owed=None, read=one.read).submissions
        one.close()
        assert [bool(each.notebook) for each in found] == [True, False, True]
        assert found[1].problem is None
        assert found[1].fault is not None
        assert found[1].fault.id == "judge.time"

    def test_it_dies_with_its_parent(self, tmp_path: Path) -> None:
        """In the middle of an endless loop, whatever ended the parent."""
        program = (
            "from pathlib import Path\n"
            "from grader.pipeline import judges\n"
            f"judges._START = {ODD!r}\n"
            f"one = judges.Judges(Path({str(tmp_path)!r}), seconds=10**6)\n"
            "one.prepare()\n"
            "print(one._idle[0].popen.pid, flush=True)\n"
            "one.read(b'loop')\n"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            wait_for(lambda: processor_ticks(pid) > 50)  # it loops
            parent.send_signal(signal.SIGKILL)
            parent.wait()
        wait_for(lambda: processor_ticks(pid) < 0)


def processor_ticks(pid: int) -> int:
    """Give what a process has used; -1 where it is no more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return -1
    state, *rest = text.rpartition(")")[2].split()
    return -1 if state in "ZX" else int(rest[10]) + int(rest[11])


def wait_for(holds: object) -> None:
    """Look until it holds; however long that takes on a busy machine, within reason."""
    until = time.monotonic() + 300
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.02)
