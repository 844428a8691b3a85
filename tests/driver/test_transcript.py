"""What is written of a cell: what it showed and raised, within bounds."""

from __future__ import annotations

import base64
from typing import Any

from grader.driver import transcript
from tests.support.speaking_kernel import Bench, Kernel, left_out


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
            "evalue": "\x1b[31mseven\x1b[0m" + "x" * 5000 + "\nthe end",
            "traceback": ["\x1b[31mline 1\x1b[0m", "y" * 20_000],
        }
        kernel.say("error", told)
        kernel.done("error")

    line = bench.talk(behave).run(1, "")
    assert line["status"] == "error"
    assert len(line["error"]["name"]) == 200
    assert line["error"]["value"].startswith("sevenx")
    assert line["error"]["value"].endswith("x\nthe end")
    assert len(line["error"]["value"]) == 2000
    assert len(line["error"]["traceback"]) <= 8000


def test_statements_left_out_are_written_within_bounds(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("grader_left_out", left_out(what="\x1b[31m" + "x" * 5000, line=10**40))
        for _number in range(2 * transcript.LEFT_OUT):
            kernel.say("grader_left_out", left_out())
        kernel.done()

    talk = bench.talk(behave)
    first, *others = talk.run(1, "")["left_out"]
    assert (first["line"], first["what"]) == (transcript.LARGEST, "x" * transcript.LEFT_OUT_TEXT)
    assert others == [left_out()] * (transcript.LEFT_OUT - 1)
    assert talk.run(2, "")["left_out"] == []


def remark(**changes: Any) -> dict[str, Any]:
    return {"line": 2, "kind": "old_api", "what": "lr=", "instead": "learning_rate="} | changes


def test_remarks_are_written_within_bounds(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("grader_remark", remark(what="\x1b[31m" + "x" * 5000, line=10**40))
        kernel.say("grader_remark", {"line": 1})
        for _number in range(2 * transcript.REMARKS):
            kernel.say("grader_remark", remark())
        kernel.done()

    talk = bench.talk(behave)
    line = talk.run(1, "")
    first, *others = line["remarks"]
    assert (first["line"], first["what"]) == (transcript.LARGEST, "x" * transcript.REMARK_TEXT)
    assert others == [remark()] * (transcript.REMARKS - 1)
    assert line["malformed"] == 1
    assert talk.run(2, "")["remarks"] == []


PNG = base64.b64encode(transcript.PNG + bytes(100)).decode()


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
    assert talk.channels.malformed == 1


def test_the_whole_notebooks_text_is_capped(bench: Bench) -> None:
    def behave(kernel: Kernel, _: Any) -> None:
        kernel.say("stream", {"name": "stdout", "text": "x" * 80})
        kernel.done()

    talk = bench.talk(behave, notebook_text=100)
    assert len(talk.run(1, "")["stdout"]) == 80
    second = talk.run(2, "")
    assert len(second["stdout"]) == 20
    assert second["truncated"]
