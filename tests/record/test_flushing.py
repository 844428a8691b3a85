"""What was written reaches the disk, for many files at once."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.record import flushing
from grader.record.store import Store
from grader.types import (
    GraderError,
)
from tests.support import builders as b

KEY = b.key_of("a run")
PATIENCE = 300.0  # seconds for what comes at once: reached only where it never comes
FlushAs = Callable[[Callable[[Path], None]], None]


class TestFlushing:
    """What was saved is flushed within a second, many records at once."""

    @pytest.fixture
    def flush_as(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlushAs:
        """Replaces the flush of this test's folder; another test's store may still have one due."""

        def replace(flush: Callable[[Path], None]) -> None:
            def only_here(folder: Path) -> None:
                if folder == tmp_path:
                    flush(folder)

            monkeypatch.setattr(flushing, "flush_all", only_here)

        return replace

    @pytest.fixture
    def flushed(self, flush_as: FlushAs) -> list[Path]:
        seen: list[Path] = []
        flush_as(seen.append)
        return seen

    def test_the_flush_of_another_store_is_not_seen(
        self, tmp_path_factory: pytest.TempPathFactory, flushed: list[Path]
    ) -> None:
        with Store(tmp_path_factory.mktemp("other")) as store:
            store.save(b.record())
        assert flushed == []

    def test_records_are_flushed_together_at_the_end(
        self, tmp_path: Path, flushed: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flushing, "PAUSE", 3600)
        made = [b.record(name) for name in ("one", "two", "three")]
        with Store(tmp_path) as store:
            for one in made:
                store.save(one)
            assert flushed == []
        assert flushed == [tmp_path]
        assert [Store(tmp_path).load(one.key) for one in made] == made

    def test_records_are_flushed_soon_while_work_goes_on(
        self, tmp_path: Path, flushed: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flushing, "PAUSE", 0.01)
        store = Store(tmp_path)
        for expected in (1, 2):  # and again for what comes later
            store.save(b.record())
            deadline = time.monotonic() + PATIENCE
            while len(flushed) < expected and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(flushed) == expected

    def test_a_store_that_kept_nothing_flushes_nothing(
        self, tmp_path: Path, flushed: list[Path]
    ) -> None:
        Store(tmp_path).close()
        assert flushed == []

    @pytest.mark.parametrize("when", ["at the end", "next time"])
    def test_a_disk_that_refuses_is_told(
        self,
        tmp_path: Path,
        flush_as: FlushAs,
        monkeypatch: pytest.MonkeyPatch,
        when: str,
    ) -> None:
        def full(_: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        flush_as(full)
        monkeypatch.setattr(flushing, "PAUSE", 0.01 if when == "next time" else 3600)
        store = Store(tmp_path)
        store.save(b.record())
        deadline = time.monotonic() + PATIENCE
        with pytest.raises(GraderError) as caught:  # noqa: PT012 - whenever the thread is done
            if when == "at the end":
                store.close()
            while time.monotonic() < deadline:
                store.save(b.record())
                time.sleep(0.01)
        assert caught.value.message.id == "record.disk_full"

    def test_an_error_of_a_flush_under_way_is_told_at_the_end(
        self,
        tmp_path: Path,
        flush_as: FlushAs,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def full_after_a_while(_: Path) -> None:
            begun.set()
            go_on.wait(PATIENCE)
            raise OSError(errno.ENOSPC, "No space left on device")

        flush_as(full_after_a_while)
        monkeypatch.setattr(flushing, "PAUSE", 0.01)
        store = Store(tmp_path)
        store.save(b.record())
        assert begun.wait(PATIENCE)
        threading.Timer(0.1, go_on.set).start()
        with pytest.raises(GraderError) as caught:
            store.close()
        assert caught.value.message.id == "record.disk_full"

    @pytest.mark.parametrize("kept", ["begin", "execution"])
    def test_the_journal_and_executions_are_flushed_too(
        self, tmp_path: Path, flushed: list[Path], kept: str
    ) -> None:
        with Store(tmp_path) as store:
            if kept == "begin":
                store.journal.begin("job")
            else:
                store.save_execution(KEY, b.execution())
        assert flushed == [tmp_path]

    def test_it_flushes_a_real_disk(self, tmp_path: Path) -> None:
        flushing.flush_all(tmp_path)

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all disks are flushed")
    def test_a_folder_that_is_gone_cannot_be_flushed(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            flushing.flush_all(tmp_path / "gone")
