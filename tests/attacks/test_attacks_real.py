"""The attack corpus, graded for real: every attack beside innocent neighbours."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from tests.attacks.batch import Batch, run_batch
from tests.attacks.corpus import Attack, attacks
from tests.attacks.judge import complaints, disturbances
from tests.attacks.people import NobodyError, forget, people

# Those that kill the grader have tests of their own.
ALL = tuple(one for one in attacks() if one.submissions and one.group != "killed")
GROUPS = tuple(dict.fromkeys(attack.group for attack in ALL if not attack.needs))

pytestmark = pytest.mark.attacks


@functools.cache
def graded(group: str, who: str, *, trainer: bool) -> Batch:
    """Grade each group once for each person; a machine without what an attack needs leaves it out."""
    chosen = [one for one in ALL if one.group == group and not one.needs]
    try:
        return run_batch(chosen, who, trainer=trainer)
    except NobodyError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", autouse=True)
def borrowed() -> Iterator[None]:
    yield
    forget()


@pytest.mark.parametrize("who", people())
@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_attack_is_held(attack: Attack, who: str, trainer: bool) -> None:
    if attack.needs:
        pytest.skip(f"needs {', '.join(attack.needs)}")
    batch = graded(attack.group, who, trainer=trainer)
    told = {one.student: complaints(batch, one) for one in attack.submissions}
    assert not any(told.values()), told


@pytest.mark.parametrize("who", people())
@pytest.mark.parametrize("group", GROUPS)
def test_nobody_else_is_harmed(group: str, who: str, trainer: bool) -> None:
    assert disturbances(graded(group, who, trainer=trainer)) == []
