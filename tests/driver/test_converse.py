"""The driver, beside a kernel of the test's own that says whatever the test wants."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from jupyter_client.session import Session

from grader.driver import channels, converse
from grader.driver.caps import Caps
from grader.driver.channels import KernelGoneError
from grader.driver.converse import Conversation
from grader.execute.caps import DRIVER_CAPS
from tests.support.speaking_kernel import PATIENCE, Bench, Kernel, left_out

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
    assert sorted(talk.channels.names.values()) == ["iopub", "shell"]
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
    arrived, poll = talk.channels.arrived, talk.channels.poller.poll

    def noting(milliseconds: int) -> list[tuple[str, dict[str, Any]]]:
        found = arrived(milliseconds)
        if any(message.get("msg_type") == kind for _, message in found):
            came.set()
        return found

    def patient(milliseconds: int) -> list[tuple[Any, int]]:
        return poll(milliseconds if came.is_set() else int(1000 * PATIENCE))

    talk.channels.arrived = noting  # type: ignore[method-assign]
    talk.channels.poller.poll = patient  # type: ignore[method-assign]
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
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    asked: list[int] = []

    def poll(milliseconds: int) -> list[tuple[Any, int]]:
        asked.append(milliseconds)
        assert len(asked) < 1000, "for ever"
        return [(talk.channels.iopub, 1)]

    monkeypatch.setattr(talk.channels.poller, "poll", poll)
    monkeypatch.setattr(talk.channels, "arrived", lambda _: [("iopub", {"msg_type": "stream"})])
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
    receive = talk.channels.receive

    def held(milliseconds: int) -> list[tuple[str, dict[str, Any]]]:
        assert bench.closed.wait(PATIENCE)
        return receive(milliseconds)

    talk.channels.receive = held  # type: ignore[method-assign]


def test_a_kernel_that_never_answers_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "READY_SECONDS", 0.2)
    (bench.folder / "out").mkdir()
    connection = {"key": "key", "ip": f"{bench.folder}/k", "shell_port": 1, "iopub_port": 2}
    assert not Conversation(
        connection, bench.folder / "out", Caps(**DRIVER_CAPS)
    ).channels.wait_ready()
