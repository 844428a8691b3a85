"""Which recurrent kernel is used, when none is, what is said, and that nothing is lost by it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader import environment
from grader.room import RoomSpec
from grader.text.words import Words
from grader.trainer import building, kernels
from grader.trainer.asking import key_here, train_once
from grader.trainer.building import build
from grader.trainer.kernels import (
    ANSWERS,
    LEVELS,
    LIBRARY,
    TOLD,
    Kernel,
    KernelFailedError,
    Kernels,
    find,
    kernel_folder,
    level_of,
    told,
)
from grader.trainer.keys import KERAS_OWN, key_of
from grader.trainer.result import Trained, Untrainable
from grader.trainer.results import Results
from grader.trainer.train import Job, train
from grader.trainer.workroom import Workroom
from grader.types import Message
from tests.support.orders import order
from tests.support.trainer_room import FakeRoom, Process, ServingRoom, good, write

SECRET = b"s" * 32
AVX2, PLAIN = LEVELS[1], LEVELS[2]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, on a processor that has one level."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(environment, "processor", lambda: ["flags : avx2 fma"])
    return tmp_path / "cache"


def kept() -> Path:
    """A kernel as ``build`` leaves it."""
    folder = kernel_folder()
    folder.mkdir(parents=True)
    for name, content in (
        (LIBRARY, b"machine code"),
        (ANSWERS, b"numbers"),
        (TOLD, told(AVX2, b"machine code", b"numbers")),
    ):
        (folder / name).write_bytes(content)
    return folder


def why(found: Kernel | Message) -> str:
    assert isinstance(found, Message), found
    return found.id


def test_the_widest_level_that_the_processor_has_is_chosen() -> None:
    flags = "flags : sse2 avx avx2 fma"
    assert level_of([flags]).name == "avx2"
    assert level_of([f"{flags} avx512f avx512vl"]).name == "avx512"
    assert level_of(["flags : sse2 avx2"]).name == "plain"
    assert level_of(["Features : asimd"]).name == level_of([]).name == "plain"


def test_what_was_built_is_found_with_a_version_of_its_own() -> None:
    folder = kept()
    found = find()
    assert isinstance(found, Kernel)
    assert found.folder == folder
    (folder / LIBRARY).write_bytes(b"another compiler's")
    (folder / TOLD).write_bytes(told(AVX2, b"another compiler's", b"numbers"))
    other = find()
    assert isinstance(other, Kernel)
    assert other.version != found.version


def test_where_nothing_was_built_that_is_said() -> None:
    assert why(find()) == "kernel.none"


@pytest.mark.parametrize("changed", ["processor", "sources"])
def test_what_was_built_for_another_machine_or_of_other_sources_is_not_used(
    changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept()
    if changed == "processor":
        monkeypatch.setattr(environment, "processor", lambda: ["flags : avx2 fma avx512f"])
    else:
        monkeypatch.setattr(kernels, "sources_digest", lambda: "0" * 64)
    assert why(find()) == "kernel.elsewhere"


@pytest.mark.parametrize("name", [LIBRARY, ANSWERS, TOLD])
@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "linked", "open"])
def test_a_damaged_file_is_not_loaded(name: str, damage: str, tmp_path: Path) -> None:
    path = kept() / name
    content = path.read_bytes()
    if damage == "changed":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "open":
        path.chmod(0o666)
    else:
        path.unlink()
    if damage == "linked":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    assert why(find()) == "kernel.damaged"


def test_a_folder_that_others_may_write_is_not_used() -> None:
    kept().chmod(0o777)
    assert why(find()) == "kernel.not_ours"


def test_the_key_holds_what_computes_and_the_seed_does_not_follow_it() -> None:
    own = key_of(order(), SECRET)
    assert own == key_of(order(), SECRET, kernel=KERAS_OWN)
    others = [key_of(order(), SECRET, kernel=version) for version in ("avx2 1", "avx2 2")]
    assert len({own.key, *(one.key for one in others)}) == 3
    assert {own.seed} == {one.seed for one in others}


def a_kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path, "avx2 0123")


def test_the_room_is_given_the_kernel_read_only(tmp_path: Path) -> None:
    room = FakeRoom(good)
    outcomes = train([Job(order(), seed=7)], room, kernel=a_kernel(tmp_path))
    assert isinstance(outcomes[0], Trained)
    (spec,) = room.specs
    assert [bind.writable for bind in spec.binds if bind.host == tmp_path] == [False]
    assert spec.argv[5:] == (str(tmp_path),)


@pytest.mark.parametrize(
    ("said", "code"), [("lstm_2: 0.1 apart", 0), (None, -4), (None, -11), (None, 1)]
)
def test_a_room_that_cannot_work_with_the_kernel_trains_without_it(
    said: str | None, code: int, tmp_path: Path
) -> None:
    """A wrong answer, an instruction that the processor lacks, a crash: then Keras' own path."""

    class Room(FakeRoom):
        def start(self, spec: RoomSpec, **streams: Any) -> Process:
            self.code = code if spec.argv[5:] else 0
            return super().start(spec, **streams)

    room, used = Room(good, good, of_kernel=said), Kernels(lambda: a_kernel(tmp_path))
    answer = train_once(order(), room, Results(tmp_path / "r"), secret=SECRET, kernels=used)
    assert isinstance(answer.outcome, Trained)
    assert answer.key == key_of(order(), SECRET).key
    told = used.failures()
    assert told is not None
    assert told.args == {"orders": 1, "why": said or f"code {code}"}
    again = train_once(order(), room, Results(tmp_path / "s"), secret=SECRET, kernels=used)
    assert again.key == answer.key
    assert [bool(spec.argv[5:]) for spec in room.specs] == [True, False, False]
    assert key_here(order(), SECRET, kernels=used).key == answer.key, "so a round asks for it"


def test_two_orders_in_a_row_that_it_fails_over_cost_everybody_the_kernel(tmp_path: Path) -> None:
    """One room's death may be that room's; what another order comes to says more."""
    used = Kernels(lambda: a_kernel(tmp_path))
    failed = [Message("kernel.failed", {"why": f"code {number}"}) for number in range(4)]
    used.failed("a", failed[0])
    used.failed("a", failed[1])  # the same one, asked for by somebody else
    assert used.usable() is not None
    used.worked()
    used.failed("b", failed[2])
    assert (used.usable(), used.usable(lambda: "b")) == (a_kernel(tmp_path), None)
    assert used.missing() is None
    used.failed("c", failed[3])
    assert (used.usable(), used.missing(), used.failures()) == (None, failed[3], None)


def test_a_training_by_the_kernel_ends_the_row_and_a_known_one_does_not(tmp_path: Path) -> None:
    used, room = Kernels(lambda: a_kernel(tmp_path)), FakeRoom(good)
    used.failed("a", Message("kernel.failed", {"why": "code -4"}))
    train_once(order(), room, Results(tmp_path / "r"), secret=SECRET, kernels=used)
    used.failed("b", Message("kernel.failed", {"why": "code -4"}))
    assert used.usable() is not None
    train_once(order(), room, Results(tmp_path / "r"), secret=SECRET, kernels=used)  # known
    used.failed("c", Message("kernel.failed", {"why": "code -4"}))
    assert used.usable() is None


def test_results_of_the_kernel_are_kept_apart(tmp_path: Path) -> None:
    room, results = FakeRoom(good, good), Results(tmp_path / "r")
    used = Kernels(lambda: a_kernel(tmp_path))
    with_it = train_once(order(), room, results, secret=SECRET, kernels=used)
    assert with_it.key == key_of(order(), SECRET, kernel="avx2 0123").key
    without = train_once(
        order(), room, results, secret=SECRET, kernels=Kernels(lambda: Message("kernel.none"))
    )
    assert without.key != with_it.key
    assert not without.known


def test_a_crash_in_a_training_is_the_kernels_fault_only_if_keras_survives_it(
    tmp_path: Path,
) -> None:
    def crashing(path: Path, asked: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """The room dies in this order."""

    with pytest.raises(KernelFailedError):
        train([Job(order(), seed=7)], FakeRoom(crashing, good), kernel=a_kernel(tmp_path))
    used = Kernels(lambda: a_kernel(tmp_path))
    room = FakeRoom(crashing, good, good)
    answer = train_once(order(), room, Results(tmp_path / "r"), secret=SECRET, kernels=used)
    assert isinstance(answer.outcome, Trained)
    assert used.failures() is not None
    used = Kernels(lambda: a_kernel(tmp_path))
    room = FakeRoom(crashing, good, crashing, good, crashing, good)
    answer = train_once(order(), room, Results(tmp_path / "s"), secret=SECRET, kernels=used)
    assert answer.outcome == Untrainable("ended", "code 0")
    assert used.failures() is None


def test_an_order_that_fails_with_words_says_nothing_about_the_kernel(tmp_path: Path) -> None:
    room = FakeRoom(lambda path, *_: write(path, {"failed": "fit", "error": "ValueError: x"}, {}))
    used = Kernels(lambda: a_kernel(tmp_path))
    answer = train_once(order(), room, Results(tmp_path / "r"), secret=SECRET, kernels=used)
    assert isinstance(answer.outcome, Untrainable)
    assert used.usable() is not None


class Run:
    """Orders of one run, in a room that lasts; each is new, so it is trained."""

    def __init__(self, room: ServingRoom, used: Kernels, place: Path) -> None:
        self.room, self.used, self.results = room, used, Results(place)
        self.kept = Workroom(room)
        self.asked = 0

    def ask(self) -> tuple[type, str]:
        """What came of the next order, and what its key says that computed it."""
        self.asked += 1
        answer = train_once(
            order(),
            self.room,
            self.results,
            secret=SECRET,
            attempt=self.asked,
            kept=self.kept,
            kernels=self.used,
        )
        assert not answer.known
        names = {key_of(order(), SECRET, self.asked, one).key: one for one in (KERAS_OWN, OURS)}
        return type(answer.outcome), names[answer.key]

    @property
    def with_kernel(self) -> list[bool]:
        """For each process that was started whether it was given the kernel."""
        return [bool(one.spec.argv[5:]) for one in self.room.processes]


OURS = "avx2 0123"


def test_a_run_keeps_its_room_with_the_kernel(tmp_path: Path) -> None:
    room = ServingRoom()
    run = Run(room, Kernels(lambda: a_kernel(tmp_path)), tmp_path / "r")
    with closing(run.kept):
        assert [run.ask() for _ in range(3)] == [(Trained, OURS)] * 3
    assert run.with_kernel == [True]
    assert room.orders == [["0000", "0001", "0002"]]


def test_a_run_whose_room_cannot_work_with_the_kernel_goes_on_in_one_without(
    tmp_path: Path,
) -> None:
    room = ServingRoom(of_kernel="lstm_2: 0.1 apart")
    run = Run(room, Kernels(lambda: a_kernel(tmp_path)), tmp_path / "r")
    with closing(run.kept):
        assert [run.ask() for _ in range(3)] == [(Trained, KERAS_OWN)] * 3
    assert run.with_kernel == [True, False, True, False], "a second order is tried by it"
    assert run.used.usable() is None


def test_a_run_whose_room_crashes_by_the_kernel_goes_on_in_one_without(tmp_path: Path) -> None:
    """Over its second order, and over that alone too; a control model is trained without it."""
    room = ServingRoom({(0, 2): 139, (1, 1): 139})
    run = Run(room, Kernels(lambda: a_kernel(tmp_path)), tmp_path / "r")
    with closing(run.kept):
        asked = [run.ask() for _ in range(3)]
    assert asked == [(Trained, OURS), (Trained, KERAS_OWN), (Trained, OURS)]
    assert run.with_kernel == [True, True, False, False, True]


def test_an_order_that_no_room_survives_costs_the_run_no_kernel(tmp_path: Path) -> None:
    room = ServingRoom({(0, 1): 139, (2, 1): 139, (4, 1): 139})
    run = Run(room, Kernels(lambda: a_kernel(tmp_path)), tmp_path / "r")
    with closing(run.kept):
        assert [run.ask() for _ in range(2)] == [(Untrainable, KERAS_OWN), (Trained, OURS)]
    assert run.with_kernel == [True, *[False] * 5, True]  # each crash is followed by a control


def test_a_kernel_that_another_run_gave_up_is_no_longer_in_this_ones_room(tmp_path: Path) -> None:
    room = ServingRoom()
    run = Run(room, Kernels(lambda: a_kernel(tmp_path)), tmp_path / "r")
    with closing(run.kept):
        assert run.ask() == (Trained, OURS)
        run.used.give_up(Message("kernel.failed", {"why": "code -4"}))
        assert [run.ask() for _ in range(2)] == [(Trained, KERAS_OWN)] * 2
    assert run.with_kernel == [True, False]
    assert room.processes[0].code == -9


class CheckingRoom(FakeRoom):
    """A room in which a kernel is checked: what it says of it, and Keras' answers."""

    def start(self, spec: RoomSpec, **_: Any) -> Process:
        self.specs.append(spec)
        out = Path(spec.argv[-1])
        (out / ANSWERS).write_bytes(b"numbers")
        if self.of_kernel is not None:
            (out / "kernel").write_text(json.dumps(self.of_kernel))
        return Process(self.code)


Compiler = Callable[..., Path]


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    """The only compilers on this machine: programs of the test, by name."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(building, "COMPILERS", ("our-cxx", "other-cxx"))
    real = building.importlib.util.find_spec
    monkeypatch.setattr(
        building.importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "ziglang" else real(name, *rest),
    )

    def make(name: str, script: str) -> Path:
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
        return programs / name

    return make


WRITES = 'for last; do :; done; echo "$*" | sed "s|$last||" > "$last"'


def test_a_machine_without_a_compiler_is_told_which_to_install(compiler: Compiler) -> None:
    assert why(build(CheckingRoom())) == "kernel.no_compiler"


def test_where_the_headers_are_missing_no_compiler_is_blamed(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler("our-cxx", WRITES)
    monkeypatch.setattr(
        building.importlib.util,
        "find_spec",
        lambda name, *_: SimpleNamespace(submodule_search_locations=[str(tmp_path / name)]),
    )
    (tmp_path / "jaxlib" / "include").mkdir(parents=True)
    assert why(build(CheckingRoom())) == "kernel.no_headers"
    assert why(find()) == "kernel.none"


def test_a_processor_on_which_the_kernel_is_no_faster_keeps_keras_loops(
    compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler("our-cxx", WRITES)
    kept()
    monkeypatch.setattr(environment, "processor", lambda: ["Features : asimd"])
    assert why(build(CheckingRoom())) == why(find()) == "kernel.no_gain"


def test_what_was_compiled_and_checked_is_kept(compiler: Compiler) -> None:
    compiler("our-cxx", WRITES)
    room = CheckingRoom()
    built = build(room)
    assert isinstance(built, Kernel)
    assert built == find()
    assert built.version.startswith("avx2 ")
    command = (built.folder / LIBRARY).read_text()
    assert "-mavx2 -mfma -DRNN_WIDTH=8" in command
    assert "fast-math" not in command
    assert [bind.writable for bind in room.specs[0].binds] == [False, False, True]
    assert build(CheckingRoom()) == built  # and again, over what is there
    assert [path.name for path in built.folder.parent.iterdir()] == [built.folder.name]


def test_where_one_compiler_cannot_another_one_may(compiler: Compiler) -> None:
    compiler("our-cxx", "echo no headers here >&2; exit 1")
    failed = build(CheckingRoom())
    assert isinstance(failed, Message)
    assert (failed.id, failed.args["why"]) == ("kernel.not_built", "no headers here")
    compiler("other-cxx", WRITES)
    assert isinstance(build(CheckingRoom()), Kernel)


@pytest.mark.parametrize(
    ("said", "code", "told"), [("gru_after_1: 2 apart", 0, "gru_after_1"), (None, -4, "code -4")]
)
def test_a_kernel_that_answers_otherwise_than_keras_is_not_kept(
    compiler: Compiler, said: str | None, code: int, told: str
) -> None:
    compiler("our-cxx", WRITES)
    failed = build(CheckingRoom(of_kernel=said, code=code))
    assert isinstance(failed, Message)
    assert failed.id == "kernel.not_built"
    assert told in str(failed.args["why"])
    assert why(find()) == "kernel.none"


def test_a_disk_that_refuses_costs_the_kernel_alone(compiler: Compiler, cache: Path) -> None:
    compiler("our-cxx", WRITES)
    cache.mkdir()
    (cache / "rnn-grader").write_text("a file where a folder should be")
    assert why(build(CheckingRoom())) == "kernel.not_built"


def test_every_level_says_how_it_is_compiled() -> None:
    assert [level.width for level in LEVELS] == sorted({16, 8, 4}, reverse=True)
    assert PLAIN.flags == ()
    assert PLAIN.needs == frozenset()


@pytest.mark.parametrize("state", ["no_compiler", "elsewhere", "damaged", "not_ours"])
def test_without_a_sound_kernel_keras_trains_that_is_said_and_building_mends_it(
    state: str, compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No compiler, another processor, a damaged cache: the batch goes on as without a kernel."""
    folder = kernel_folder() if state == "no_compiler" else kept()
    if state == "elsewhere":
        monkeypatch.setattr(environment, "processor", lambda: ["flags : avx2 fma avx512f"])
    elif state == "damaged":
        (folder / LIBRARY).write_bytes(b"half of it")
    elif state == "not_ours":
        folder.chmod(0o777)
    if state == "no_compiler":
        assert why(build(CheckingRoom())) == "kernel.no_compiler"
    used, room = Kernels(), FakeRoom(good, good)
    first = train_once(order(), room, Results(tmp_path / "r"), secret=SECRET, kernels=used)
    assert isinstance(first.outcome, Trained)
    assert first.key == key_of(order(), SECRET).key
    missing = used.missing()
    assert missing is not None
    assert missing.id == f"kernel.{'none' if state == 'no_compiler' else state}"
    for lang, own_loops in (("en", "Keras' own loops"), ("ko", "Keras 자체 루프")):
        said = Words(lang).say(missing)
        assert own_loops in said
        assert "grader prepare" in said
    compiler("our-cxx", WRITES)
    built = build(CheckingRoom())
    assert isinstance(built, Kernel)
    assert used.missing() is None
    again = train_once(order(), room, Results(tmp_path / "s"), secret=SECRET, kernels=used)
    assert again.key == key_of(order(), SECRET, kernel=built.version).key
    assert [spec.argv[5:] for spec in room.specs] == [(), (str(built.folder),)]


def test_only_its_owner_may_write_what_is_kept(compiler: Compiler) -> None:
    compiler("our-cxx", WRITES)
    built = build(CheckingRoom())
    assert isinstance(built, Kernel)
    places = (built.folder, built.folder.parent, *built.folder.iterdir())
    assert [path.name for path in places if path.stat().st_mode & 0o022] == []


def test_nothing_of_the_languages_library_is_linked(compiler: Compiler) -> None:
    """A wheel's compiler would have to build that library first, for longer than most wait."""
    compiler("our-cxx", WRITES)
    built = build(CheckingRoom())
    assert isinstance(built, Kernel)
    command = (built.folder / LIBRARY).read_text().split()
    assert {"-fno-exceptions", "-fno-rtti"} <= set(command)
    used = re.findall(
        r"#include <([^>]+)>", "".join(p.read_text() for p in kernels.SOURCES.iterdir())
    )
    assert sorted(set(used)) == ["stdint.h", "stdlib.h"]
