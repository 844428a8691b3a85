"""What holds for every test: no example of a property is too slow; what is long begins first.

``shell`` is the command line in this course.

Tests run in random order (pytest-randomly), which a run names at its beginning: ``--randomly-seed=N``
repeats it, ``-p no:randomly`` keeps the order of the files.

What takes long has a short form, which CI runs; ``--whole`` asks for all of it (``make test-whole``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.support.cli_help import Shell

# Examples are the same in every run; ``--hypothesis-profile drawn`` looks for others.
settings.register_profile("drawn", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("any machine", settings.get_profile("drawn"), derandomize=True)
settings.load_profile("any machine")

TESTS = Path(__file__).resolve().parent
# Minutes each. Files that run beside each other end together where these are begun first.
LONG = (
    "code/test_engines.py",
    "pipeline/test_accelerators.py",
    "pipeline/test_batch_real.py",
    "chaos/test_chaos.py",
    "trainer/test_same_learning_real.py",
    "authoring/test_release_real.py",
    "kernel/test_probe.py",
    "score/test_hints_errors.py",
    "cli/test_cli_signals.py",
    "pipeline/test_chapter_real.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--whole``."""
    parser.addoption(
        "--whole", action="store_true", help="long tests whole, not in their short form"
    )
    parser.addoption(
        "--no-trainer", action="store_true", help="attacks: notebooks train by themselves"
    )


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether a long test is to be run whole."""
    return bool(request.config.getoption("whole"))


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path) -> Shell:
    """``grader`` in this course, in this process; a file of tests may have it changed."""
    from tests.support.cli_help import Shell

    return Shell(monkeypatch, capfd, tmp_path)


@pytest.hookimpl(trylast=True)  # after the order is shuffled
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests of long files first, the files in the order above; leave out what is whole."""
    if not config.getoption("whole"):
        left = [item for item in items if item.get_closest_marker("whole")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))
