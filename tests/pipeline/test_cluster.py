"""A cluster is joined only where it turns away whoever comes without a token."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from grader.pipeline import cluster
from grader.pipeline.cluster import TURNED_AWAY, connect, turns_strangers_away
from grader.types import GraderError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # put back at the end, whatever is set meanwhile


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType("ray")
    module.calls = []  # type: ignore[attr-defined]
    module.exceptions = SimpleNamespace(RayError=RuntimeError)  # type: ignore[attr-defined]
    module.init = lambda **_: module.calls.append("init")  # type: ignore[attr-defined]
    module.shutdown = lambda: module.calls.append("shutdown")  # type: ignore[attr-defined]
    module.cluster_resources = lambda: {"CPU": 6.0}  # type: ignore[attr-defined]
    context = SimpleNamespace(gcs_address="10.0.0.1:6379")
    module.get_runtime_context = lambda: context  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: module)
    return module


def strangers(monkeypatch: pytest.MonkeyPatch, code: int | Exception) -> list[dict[str, str]]:
    """Let the stranger end so; gives the environments that it was started with."""
    seen: list[dict[str, str]] = []

    def run(command: list[str], *, env: dict[str, str], **_: Any) -> Any:
        seen.append(env)
        if isinstance(code, Exception):
            raise code
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(cluster.subprocess, "run", run)
    return seen


def refusal() -> str:
    with pytest.raises(GraderError) as caught:
        connect()
    return caught.value.message.id


def test_a_cluster_that_asks_for_a_token_is_joined(
    ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers(monkeypatch, TURNED_AWAY)
    joined = connect()
    assert joined.places == 6
    assert joined.ray is ray
    assert ray.calls == ["init"]


@pytest.mark.parametrize(
    "code", [0, 1, -9, OSError("no such program"), subprocess.TimeoutExpired("python", 60)]
)
def test_any_other_end_of_the_stranger_counts_as_open_and_the_cluster_is_left(
    ray: Any, monkeypatch: pytest.MonkeyPatch, code: int | Exception
) -> None:
    strangers(monkeypatch, code)
    assert refusal() == "pipeline.open_cluster"
    assert ray.calls == ["init", "shutdown"]


def test_the_stranger_has_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "/token")
    (env,) = (strangers(monkeypatch, TURNED_AWAY),)
    assert turns_strangers_away("10.0.0.1:6379")
    assert not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & env[0].keys()
    assert env[0]["RAY_AUTH_MODE"] == "disabled"


def test_who_says_that_no_token_is_asked_for_is_refused_before_anything_is_joined(
    ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert refusal() == "pipeline.open_cluster"
    assert ray.calls == []


def test_tokens_are_asked_for_where_nothing_was_said(
    ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_AUTH_MODE")
    strangers(monkeypatch, TURNED_AWAY)
    connect()
    assert os.environ["RAY_AUTH_MODE"] == "token"


def test_a_cluster_that_cannot_be_reached_is_said_so(
    ray: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**_: Any) -> None:
        raise ConnectionError("nobody there")

    monkeypatch.setattr(ray, "init", init)
    assert refusal() == "pipeline.no_cluster"


def test_without_ray_its_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    assert refusal() == "pipeline.no_ray"
