"""What was begun is known until it ended."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from grader.record.store import Store

ROOT = Path(__file__).resolve().parents[2]


class TestJournal:
    def test_unfinished_beginnings_are_counted(self, store: Store) -> None:
        assert [
            store.journal.begin("job"),
            store.journal.begin("job"),
            store.journal.begin("job"),
        ] == [0, 1, 2]

    def test_a_finished_job_starts_anew(self, store: Store) -> None:
        store.journal.begin("job")
        store.journal.finish("job")
        assert store.journal.begin("job") == 0

    def test_jobs_are_counted_apart(self, store: Store) -> None:
        store.journal.begin("one")
        assert store.journal.begin("../other \ud800") == 0

    def test_a_crash_does_not_lose_the_count(self, tmp_path: Path) -> None:
        script = f"""
            import os, signal
            from pathlib import Path
            from grader.record.store import Store
            Store(Path({str(tmp_path)!r})).journal.begin("job")
            os.kill(os.getpid(), signal.SIGKILL)
        """
        for _ in range(2):
            subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, check=False)
        assert Store(tmp_path).journal.begin("job") == 2
