"""The driver, beside a kernel of the test's own that says whatever the test wants."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from jupyter_client.session import Session

from grader.driver import converse
from grader.driver.converse import Caps, Conversation, KernelGoneError, Screen
from grader.execute.caps import DRIVER_CAPS, ORDER_CAPS

# --- the screen ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain\n", "plain\n"),
        ("10%\r20%\r100%\n", "100%\n"),
        ("long line\rshort\n", "shortline\n"),  # as a terminal would leave it
        ("loss: 0.99\b\b\b\b0.12\n", "loss: 0.12\n"),
        ("\b\b\bstart", "start"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("\x1b[1mbold\x1b[0m \x1b[38;5;4mblue\x1b[0m", "bold blue"),
        ("\x1b]0;title\x07text", "text"),
        ("손실\r정확", "정확"),
        ("", ""),
        ("\n\n", "\n\n"),
    ],
)
def test_text_is_kept_as_a_notebook_shows_it(written: str, shown: str) -> None:
    screen = Screen(1000)
    screen.write(written)
    assert screen.text() == shown
    assert not screen.truncated


def test_text_that_comes_in_pieces_is_the_same() -> None:
    whole, pieces = Screen(1000), Screen(1000)
    text = "epoch 1\r1/2\r2/2 done\nloss\b\b\b\bLOSS\nend"
    whole.write(text)
    for character in text:
        pieces.write(character)
    assert pieces.text() == whole.text()


@pytest.mark.parametrize("flood", ["x" * 10_000, "x\n" * 10_000, "\n" * 10_000, "한" * 10_000])
def test_what_goes_beyond_the_cap_is_cut_and_remembered(flood: str) -> None:
    screen = Screen(100)
    screen.write(flood)
    assert len(screen.text()) <= 100
    assert screen.truncated


def test_overwriting_for_ever_costs_nothing() -> None:
    screen = Screen(100)
    for step in range(10_000):
        screen.write(f"\r{step:05d}")
    assert screen.text() == "09999"
    assert not screen.truncated


# --- a kernel of our own ---------------------------------------------------------------------

PATIENCE = 300.0  # seconds for what comes at once: reached only where it never comes


class Kernel:
    """Answers requests as the test says; every reply is signed."""

    def __init__(self, folder: Path, behave: Callable[[Kernel, dict[str, Any]], None]) -> None:
        self.session = Session(key=b"key", signature_scheme="hmac-sha256")
        self.behave = behave
        self.context = zmq.Context()
        self.shell = self.context.socket(zmq.ROUTER)
        self.iopub = self.context.socket(zmq.PUB)
        self.stdin = self.context.socket(zmq.ROUTER)
        self.shell.bind(f"ipc://{folder}/k-1")
        self.iopub.bind(f"ipc://{folder}/k-2")
        self.stdin.bind(f"ipc://{folder}/k-3")
        self.stopped = threading.Event()
        self.parents: list[dict[str, Any]] = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        while not self.stopped.is_set():
            if not self.shell.poll(20):
                continue
            identities, parts = self.session.feed_identities(self.shell.recv_multipart())
            request = self.session.deserialize(parts)
            self.identities, self.request = identities, request
            if request["msg_type"] == "kernel_info_request":
                self.reply("kernel_info_reply")
                self.say("status", {"execution_state": "idle"})
                continue
            self.parents.append(request)
            self.behave(self, request["content"])

    def say(self, kind: str, content: Any, *buffers: bytes, parent: Any = None) -> None:
        text = json.dumps(content).encode()
        message = self.session.msg(kind, text, parent=parent or self.request)
        self.session.send(self.iopub, message, buffers=list(buffers))

    def reply(self, kind: str = "execute_reply", status: str = "ok") -> None:
        message = self.session.msg(kind, {"status": status}, parent=self.request)
        self.session.send(self.shell, message, ident=self.identities)

    def ask(self, kind: str, content: Any, *buffers: bytes, parent: Any = None) -> str:
        text = json.dumps(content).encode()
        message = self.session.msg(kind, text, parent=parent or self.request)
        self.session.send(self.stdin, message, ident=self.identities, buffers=list(buffers))
        return str(message["header"]["msg_id"])

    def told(self) -> tuple[str, Any, bytes]:
        """What comes back: which message it is about, what it says, its arrays."""
        assert self.stdin.poll(PATIENCE * 1000)
        _, parts = self.session.feed_identities(self.stdin.recv_multipart())
        reply = self.session.deserialize(parts)
        return reply["parent_header"]["msg_id"], reply["content"], bytes(reply["buffers"][0])

    def done(self, status: str = "ok") -> None:
        self.reply(status=status)
        self.say("status", {"execution_state": "idle"})

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(PATIENCE)
        self.context.destroy(linger=0)


class Bench:
    """Starts kernels and conversations; ``lifeline`` is the end of the pipe on the driver's stdin."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        read, self.lifeline = os.pipe()
        self.stdin = os.fdopen(read, "rb")
        self.kernels: list[Kernel] = []
        self.talks: list[Conversation] = []
        self.closed = threading.Event()
        monkeypatch.setattr(converse.sys, "stdin", self.stdin)
        for name in ("IDLE_SECONDS", "REST_SECONDS"):
            monkeypatch.setattr(converse, name, PATIENCE)

    def talk(
        self, behave: Callable[[Kernel, Any], None], *, asks: bool = False, **caps: int
    ) -> Conversation:
        self.kernels.append(Kernel(self.folder, behave))
        for name in ("out", "answers"):
            (self.folder / name).mkdir()
        ports = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3}
        connection = {"key": "key", "ip": f"{self.folder}/k", **ports}
        orders = {"answers": str(self.folder / "answers"), "caps": ORDER_CAPS} if asks else None
        found = Conversation(connection, self.folder / "out", Caps(**DRIVER_CAPS | caps), orders)
        self.talks.append(found)
        assert found.wait_ready()
        return found

    def events(self) -> list[dict[str, Any]]:
        found = sorted((self.folder / "out" / "evidence").glob("*.json"))
        return [json.loads(path.read_text()) for path in found]

    def answer(self, number: int, told: Any) -> None:
        """Do as the judge does once the order is there."""
        until = time.monotonic() + PATIENCE
        while not (self.folder / "out" / "orders" / f"{number:04d}.json").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        (self.folder / "answers" / f"{number:04d}.npz").write_bytes(b"weights")
        new = self.folder / "answers" / "new"
        new.write_text(json.dumps(told))
        new.rename(self.folder / "answers" / f"{number:04d}.json")

    def transcript(self) -> list[dict[str, Any]]:
        text = (self.folder / "out" / "transcript.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def let_go(self) -> None:
        os.close(self.lifeline)
        self.lifeline = -1
        self.closed.set()

    def close(self) -> None:
        for kernel in self.kernels:
            kernel.stop()
        for talk in self.talks:  # not by the collector, in the middle of another test's threads
            talk.shell.context.destroy(linger=0)
        self.stdin.close()
        if self.lifeline >= 0:
            self.let_go()


@pytest.fixture
def bench(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("d"), monkeypatch)
    yield made
    made.close()


def test_a_cell_is_written_with_its_output_and_status(bench: Bench) -> None:
    def behave(kernel: Kernel, content: Any) -> None:
        kernel.say("stream", {"name": "stdout", "text": content["code"] + "\n"})
        kernel.say("execute_result", {"data": {"text/plain": "42"}})
        kernel.done()

    line = bench.talk(behave).run(3, "print(1)")
    assert (line["index"], line["status"], line["stdout"]) == (3, "ok", "print(1)\n42\n")
    assert line["malformed"] == 0
    assert bench.transcript() == [line]


def test_an_error_is_written_without_colours_and_bounded(bench: Bench) -> None:
    def behave(kernel: Kernel, content: Any) -> None:
        told = {
            "ename": "ValueError" * 100,
            "evalue": "\x1b[31mseven\x1b[0m" + "x" * 5000,
            "traceback": ["\x1b[31mline 1\x1b[0m", "y" * 20_000],
        }
        kernel.say("error", told)
        kernel.done("error")

    line = bench.talk(behave).run(1, "")
    assert line["status"] == "error"
    assert len(line["error"]["name"]) == 200
    assert line["error"]["value"].startswith("sevenx")
    assert len(line["error"]["value"]) <= 2000
    assert len(line["error"]["traceback"]) <= 8000


def left_out(**changes: Any) -> dict[str, Any]:
    told = {"line": 2, "statements": 3, "kind": "package", "what": "x", "error": "y"}
    return told | changes


def test_statements_left_out_are_written_within_bounds(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("grader_left_out", left_out(what="\x1b[31m" + "x" * 5000, line=10**40))
        for _number in range(2 * converse.LEFT_OUT):
            kernel.say("grader_left_out", left_out())
        kernel.done()

    talk = bench.talk(behave)
    first, *others = talk.run(1, "")["left_out"]
    assert (first["line"], first["what"]) == (converse.LARGEST, "x" * converse.LEFT_OUT_TEXT)
    assert others == [left_out()] * (converse.LEFT_OUT - 1)
    assert talk.run(2, "")["left_out"] == []


def remark(**changes: Any) -> dict[str, Any]:
    return {"line": 2, "kind": "old_api", "what": "lr=", "instead": "learning_rate="} | changes


def test_remarks_are_written_within_bounds(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("grader_remark", remark(what="\x1b[31m" + "x" * 5000, line=10**40))
        kernel.say("grader_remark", {"line": 1})
        for _number in range(2 * converse.REMARKS):
            kernel.say("grader_remark", remark())
        kernel.done()

    talk = bench.talk(behave)
    line = talk.run(1, "")
    first, *others = line["remarks"]
    assert (first["line"], first["what"]) == (converse.LARGEST, "x" * converse.REMARK_TEXT)
    assert others == [remark()] * (converse.REMARKS - 1)
    assert line["malformed"] == 1
    assert talk.run(2, "")["remarks"] == []


PNG = base64.b64encode(converse.PNG + bytes(100)).decode()


def test_images_are_kept_up_to_their_number_and_size(bench: Bench) -> None:
    def behave(kernel: Kernel, content: Any) -> None:
        kernel.say("display_data", {"data": {"image/png": "A" * 10_000}})
        for _ in range(5):
            kernel.say("display_data", {"data": {"image/png": PNG, "text/plain": "<Figure>"}})
        kernel.done()

    line = bench.talk(behave, images=3, image_bytes=1000).run(1, "")
    assert line["images"] == [PNG] * 3


def test_a_picture_is_written_as_base64_and_nothing_else(bench: Bench) -> None:
    """Else each character between would be six bytes of the transcript."""

    def behave(kernel: Kernel, content: Any) -> None:
        padded = "".join(f"{letter}\x01" for letter in PNG)
        kernel.say("display_data", {"data": {"image/png": padded}})
        broken = "\n".join(PNG[at : at + 76] for at in range(0, len(PNG), 76)) + "\n"
        kernel.say("display_data", {"data": {"image/png": broken}})
        kernel.done()

    talk = bench.talk(behave)
    assert talk.run(1, "")["images"] == [PNG]
    assert talk.malformed == 1


MALFORMED: list[tuple[str, Any]] = [
    ("stream", {}),
    ("stream", {"name": "stdout", "text": None}),
    ("stream", {"name": "stdout", "text": {"a": 1}}),
    ("stream", "text"),
    ("stream", None),
    ("display_data", {"data": None}),
    ("display_data", {"data": {"image/png": "%%%"}}),
    ("display_data", {"data": {"image/png": ["a"], "text/plain": 7}}),
    ("error", {"ename": 1}),
    ("status", {"execution_state": ["idle"]}),
    ("status", {}),
    ("grader_evidence", ["no", "mapping"]),
    ("grader_evidence", "text"),
    ("grader_evidence", None),
    ("grader_left_out", {}),
    ("grader_left_out", left_out(line="x")),
    ("grader_left_out", left_out(statements=None)),
    ("no_such_kind", {}),
]


@pytest.mark.parametrize(("kind", "content"), MALFORMED, ids=str)
def test_a_malformed_message_costs_nothing_but_itself(
    bench: Bench, kind: str, content: Any
) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say(kind, content)
        kernel.say("stream", {"name": "stdout", "text": "fine\n"})
        kernel.done()

    line = bench.talk(behave).run(1, "")
    assert (line["status"], line["error"], line["images"]) == ("ok", None, [])
    assert line["stdout"] == "fine\n"
    assert bench.events() == []


def test_deep_evidence_costs_nothing_but_itself(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        text = b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"
        for data in (text, b"[" * 100_000, b"{", b"\xff\xfe", b"NaN"):
            message = kernel.session.msg("grader_evidence", data, parent=kernel.request)
            kernel.session.send(kernel.iopub, message)
        kernel.say("grader_evidence", {"event": "seen"})
        kernel.done()

    assert bench.talk(behave).run(1, "")["status"] == "ok"
    assert bench.events()[-1]["event"] == "seen"


def test_a_training_is_asked_for_and_answered_in_the_middle_of_a_cell(bench: Bench) -> None:
    found: list[Any] = []

    def behave(kernel: Kernel, _: Any) -> None:
        asked = kernel.ask("grader_order", {"version": 1}, b"arrays")
        judge = threading.Thread(target=bench.answer, args=(1, {"result": "a"}), daemon=True)
        judge.start()
        found.append(kernel.told() == (asked, {"result": "a"}, b"weights"))
        kernel.say("stream", {"name": "stdout", "text": "trained\n"})
        kernel.done()

    line = bench.talk(behave, asks=True).run(3, "fit")
    assert (found, line["status"], line["stdout"]) == ([True], "ok", "trained\n")
    assert json.loads((bench.folder / "out/orders/0001.json").read_text())["cell"] == 3


def test_why_a_fit_was_trained_there_is_told_of_the_cell_in_which_it_was(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.ask("grader_claimed", {"why": "now"})
        if len(kernel.parents) > 1:
            kernel.ask("grader_claimed", {"why": "then"}, parent=kernel.parents[0])
        kernel.done()

    talk = bench.talk(behave, asks=True)
    talk.run(3, "")
    talk.run(5, "")
    talk.settle()
    heads = sorted((bench.folder / "out" / "orders").glob("*.json"))
    told = [json.loads(path.read_text()) for path in heads]
    assert sorted((one["cell"], one["claimed"]) for one in told) == [
        (3, "now"),
        (3, "then"),
        (5, "now"),
    ]


def test_what_is_said_on_stdin_and_is_no_order_costs_nothing_but_itself(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.ask("input_request", {"prompt": "name?"})
        kernel.ask("grader_order", {})  # no arrays
        kernel.ask("grader_order", ["no", "mapping"], b"")
        kernel.ask("grader_order", {}, b"", parent={"header": {"msg_id": "of no cell"}})
        kernel.stdin.send_multipart([kernel.identities[0], b"<IDS|MSG>", b"no signature"])
        kernel.done()

    talk = bench.talk(behave, asks=True)
    assert talk.run(1, "")["status"] == "ok"
    talk.settle()
    assert list((bench.folder / "out" / "orders").iterdir()) == []


def test_a_hostile_message_after_the_last_cell_costs_nothing_but_itself(bench: Bench) -> None:
    talk = bench.talk(lambda kernel, _: kernel.done(), asks=True)
    talk.run(1, "")
    (kernel,) = bench.kernels
    kernel.ask("grader_order", {})  # no arrays
    kernel.ask("grader_claimed", {"why": "late"})
    talk.settle()
    (head,) = (bench.folder / "out" / "orders").glob("*.json")
    assert json.loads(head.read_text()) == {"cell": 1, "claimed": "late"}


def test_where_nobody_trains_nobody_listens(bench: Bench) -> None:
    talk = bench.talk(lambda kernel, _: kernel.done())
    talk.run(1, "")
    assert sorted(talk.channels.values()) == ["iopub", "shell"]
    assert not (bench.folder / "out" / "orders").exists()


def test_the_end_of_the_run_ends_the_wait_for_an_answer(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.ask("grader_order", {}, b"")
        bench.let_go()

    with pytest.raises(KernelGoneError):
        bench.talk(behave, asks=True).run(1, "")
    assert bench.transcript()[0]["status"] == "stopped"


def test_messages_that_are_not_signed_are_dropped(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        stranger = Session(key=b"other", signature_scheme="hmac-sha256")
        text = {"name": "stdout", "text": "forged"}
        stranger.send(kernel.iopub, "stream", text, parent=kernel.request)
        kernel.iopub.send(b"")
        kernel.iopub.send_multipart([b"<IDS|MSG>"])
        kernel.iopub.send_multipart([b"t", b"<IDS|MSG>", b"s", b"{", b"{", b"{", b"{"])
        kernel.done()

    line = bench.talk(behave).run(1, "")
    assert line["stdout"] == ""
    assert line["malformed"] >= 4


def test_output_of_an_earlier_cell_is_not_this_ones(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("stream", {"name": "stdout", "text": "late"}, parent=kernel.parents[0])
        kernel.say("stream", {"name": "stdout", "text": "own"})
        kernel.done()

    talk = bench.talk(behave)
    talk.run(1, "")
    assert talk.run(2, "")["stdout"] == "own"


def test_evidence_that_comes_late_is_told_of_its_own_cell(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        if len(kernel.parents) == 2:
            kernel.say("grader_evidence", {"event": "late"}, parent=kernel.parents[0])
        kernel.say("grader_evidence", {"event": "own", "cell": 99})
        kernel.done()

    talk = bench.talk(behave)
    talk.run(5, "")
    talk.run(6, "")
    assert [(e["event"], e["cell"]) for e in bench.events()] == [
        ("own", 5),
        ("late", 5),
        ("own", 6),
    ]


def heed(talk: Conversation, kind: str) -> threading.Event:
    """No silence ends anything before a message of this kind has come, which the event tells."""
    came = threading.Event()
    arrived, poll = talk.arrived, talk.poller.poll

    def noting(milliseconds: int) -> list[tuple[str, dict[str, Any]]]:
        found = arrived(milliseconds)
        if any(message.get("msg_type") == kind for _, message in found):
            came.set()
        return found

    def patient(milliseconds: int) -> list[tuple[Any, int]]:
        return poll(milliseconds if came.is_set() else int(1000 * PATIENCE))

    talk.arrived = noting  # type: ignore[method-assign]
    talk.poller.poll = patient  # type: ignore[method-assign]
    return came


def test_evidence_after_the_last_cell_is_still_taken(bench: Bench) -> None:
    ended = threading.Event()

    def behave(kernel: Kernel, _: Any) -> None:
        kernel.done()  # says that it is idle too early
        assert ended.wait(PATIENCE)
        kernel.say("grader_evidence", {"event": "late"})

    talk = bench.talk(behave)
    talk.run(1, "")
    heed(talk, "grader_evidence")
    ended.set()
    talk.settle()
    assert [event["event"] for event in bench.events()] == ["late"]


def test_a_kernel_that_is_never_silent_keeps_nobody_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that prints on and on took all the time of a notebook whose cells had ended."""
    talk = bench.talk(lambda kernel, _: kernel.done())
    talk.run(1, "")
    clock = iter(range(10**6))
    monkeypatch.setattr(converse.time, "monotonic", lambda: float(next(clock)))
    asked: list[int] = []

    def poll(milliseconds: int) -> list[tuple[Any, int]]:
        asked.append(milliseconds)
        assert len(asked) < 1000, "for ever"
        return [(talk.iopub, 1)]

    monkeypatch.setattr(talk.poller, "poll", poll)
    monkeypatch.setattr(talk, "arrived", lambda _: [("iopub", {"msg_type": "stream"})])
    talk.settle()
    assert 0 < len(asked) <= converse.SETTLE_SECONDS


def test_evidence_of_no_cell_is_dropped(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("grader_evidence", {"event": "forged"}, parent={"header": {"msg_id": "x"}})
        kernel.done()

    bench.talk(behave).run(1, "")
    assert bench.events() == []


def test_evidence_is_kept_unread_with_its_arrays(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("grader_evidence", {"event": "seen", "model": 1}, b"no npz at all")
        kernel.done()

    bench.talk(behave).run(4, "")
    assert bench.events() == [{"event": "seen", "model": 1, "cell": 4}]
    (arrays,) = (bench.folder / "out" / "evidence").glob("*.npz")
    assert arrays.read_bytes() == b"no npz at all"


@pytest.mark.parametrize(
    ("caps", "kept"),
    [
        ({"events": 2}, [3, 4]),  # what came last is never what is dropped
        ({"event_bytes": 500}, []),
        ({"content_bytes": 10}, []),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_evidence_beyond_a_cap_is_dropped_and_counted(
    bench: Bench, caps: dict[str, int], kept: list[int]
) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        for number in range(5):
            kernel.say("grader_evidence", {"event": "seen", "model": number}, bytes(1000))
        kernel.done()

    bench.talk(behave, **caps).run(1, "")
    assert [event["model"] for event in bench.events()] == kept
    told = bench.folder / "out" / "dropped"
    assert (int(told.read_text()) if told.exists() else 0) == 5 - len(kept)


def test_the_whole_notebooks_text_is_capped(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("stream", {"name": "stdout", "text": "x" * 80})
        kernel.done()

    talk = bench.talk(behave, notebook_text=100)
    assert len(talk.run(1, "")["stdout"]) == 80
    second = talk.run(2, "")
    assert len(second["stdout"]) == 20
    assert second["truncated"]


def test_a_cell_without_an_idle_message_ends_soon_after_its_reply(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converse, "IDLE_SECONDS", 0.3)
    line = bench.talk(lambda kernel, _: kernel.reply()).run(1, "")  # it comes back at all
    assert line["status"] == "ok"


def test_when_the_lifeline_is_let_go_what_is_known_is_written(bench: Bench) -> None:
    heard: list[threading.Event] = []

    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("stream", {"name": "stdout", "text": "so far\n"})
        assert heard[0].wait(PATIENCE)
        bench.let_go()

    talk = bench.talk(behave)
    heard.append(heed(talk, "stream"))
    with pytest.raises(KernelGoneError):
        talk.run(7, "while True: pass")
    (line,) = bench.transcript()
    assert (line["index"], line["status"], line["stdout"]) == (7, "stopped", "so far\n")


def test_what_had_arrived_when_the_lifeline_was_let_go_is_written_too(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        for epoch in range(300):  # more than the driver can take before it sees the end
            kernel.say("stream", {"name": "stdout", "text": f"{epoch}\n"})
        kernel.session.key, key = b"another", kernel.session.key
        kernel.say("stream", {"name": "stdout", "text": "malformed, which ends nothing"})
        kernel.session.key = key
        kernel.say("grader_evidence", {"kind": "model"}, b"late")
        bench.let_go()

    talk = bench.talk(behave)
    hold(talk, bench)
    heed(talk, "grader_evidence")
    with pytest.raises(KernelGoneError):
        talk.run(7, "model.fit(x, y)")
    (line,) = bench.transcript()
    assert line["stdout"].split()[-1] == "299"
    assert line["status"] == "stopped"
    assert bench.events() == [{"kind": "model", "cell": 7}]


def test_a_cell_that_had_ended_when_the_lifeline_was_let_go_is_not_called_stopped(
    bench: Bench,
) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.done()
        bench.let_go()

    talk = bench.talk(behave)
    hold(talk, bench)
    heed(talk, "execute_reply")
    with pytest.raises(KernelGoneError):
        talk.run(7, "import os; os._exit(0)")
    assert [line["status"] for line in bench.transcript()] == ["ok"]


def hold(talk: Conversation, bench: Bench) -> None:
    """Keep the driver from its sockets, as too busy a machine does, until the lifeline is let go."""
    receive = talk.receive

    def held(milliseconds: int) -> list[tuple[str, dict[str, Any]]]:
        assert bench.closed.wait(PATIENCE)
        return receive(milliseconds)

    talk.receive = held  # type: ignore[method-assign]


def test_a_kernel_that_never_answers_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converse, "READY_SECONDS", 0.2)
    (bench.folder / "out").mkdir()
    connection = {"key": "key", "ip": f"{bench.folder}/k", "shell_port": 1, "iopub_port": 2}
    assert not Conversation(connection, bench.folder / "out", Caps(**DRIVER_CAPS)).wait_ready()
