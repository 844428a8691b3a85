"""Attacks that need the grader itself killed: nothing runs on, nothing is lost, the batch ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.corpus import Attack, attacks
from tests.attacks.killed import HOW
from tests.attacks.people import NobodyError, forget, people

pytestmark = pytest.mark.attacks


@pytest.fixture(scope="module", autouse=True)
def borrowed() -> Iterator[None]:
    yield
    forget()


@pytest.mark.parametrize("who", people())
@pytest.mark.parametrize(
    "attack", [one for one in attacks() if one.group == "killed"], ids=lambda attack: attack.name
)
def test_attack_is_held(attack: Attack, who: str, trainer: bool) -> None:
    try:
        assert HOW[attack.row](attack, who, "auto", trainer=trainer) == []
    except NobodyError as error:
        pytest.skip(str(error))
