"""A Ray cluster, joined only where it asks everybody for a token.

Enters: RAY_ADDRESS, where a cluster runs already. Leaves: a Cluster. Touches: connects; where there
is no address, starts Ray on this machine; starts a program that tries to come in without a token.

Whoever reaches the head of a cluster without tokens runs any program on all its machines. So it is
not enough that this side has a token: another one without must be turned away.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.types import GraderError, Message

MODE, TOKEN_FILE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH"
TOKENS = ("RAY_AUTH_TOKEN", TOKEN_FILE)
TRIES = "RAY_NUM_REDIS_GET_RETRIES"  # as it is still called: a second for each
NICENESS = "RAY_worker_niceness"  # 15 unless told: every other program would come first
TRY_SECONDS = 180.0  # Ray itself tries for a while, longer on a busy machine
TURNED_AWAY = 42
# A stranger: the same Ray, without the token. It says whether it was turned away for that.
STRANGER = f"""
import sys
import ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="CRITICAL")
except Exception as error:
    while error is not None:
        if "ray.exceptions.AuthenticationError" in f"{{type(error)}} {{error}}":  # told in a text
            sys.exit({TURNED_AWAY})
        error = error.__cause__ or error.__context__
    raise
"""


@dataclass(frozen=True)
class Cluster:
    """A connected cluster."""

    ray: Any  # the module
    places: int  # cores that its machines gave to Ray
    hidden: tuple[Path, ...]  # where the token and Ray's sockets lie, here and elsewhere


def connect() -> Cluster:
    """Join the cluster of RAY_ADDRESS, or start one on this machine.

    Raises:
        GraderError: Ray is not installed, cannot be reached, or lets in whoever comes.
    """
    if importlib.util.find_spec("ray") is None:
        raise GraderError(Message("pipeline.no_ray"))
    if os.environ.get(MODE, "token") != "token":
        raise GraderError(Message("pipeline.open_cluster", {"address": _address()}))
    os.environ[MODE] = "token"  # read once, when Ray is first imported
    os.environ.setdefault(NICENESS, "0")  # of a cluster that begins here
    import ray

    try:
        ray.init(log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        args = {"address": _address(), "error": str(error).strip()}
        raise GraderError(Message("pipeline.no_cluster", args)) from error
    address = ray.get_runtime_context().gcs_address
    if not turns_strangers_away(address):
        ray.shutdown()
        raise GraderError(Message("pipeline.open_cluster", {"address": address}))
    return Cluster(ray, max(1, int(ray.cluster_resources().get("CPU", 0))), _hidden())


def turns_strangers_away(address: str) -> bool:
    """Try to come in without a token; whatever else goes wrong is no proof that it is closed."""
    env = {name: value for name, value in os.environ.items() if name not in TOKENS}
    env |= {MODE: "disabled", TRIES: "2"}
    command = [sys.executable, "-c", STRANGER, address]
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, check=False, timeout=TRY_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == TURNED_AWAY


def _address() -> str:
    return os.environ.get("RAY_ADDRESS") or "–"


def _hidden() -> tuple[Path, ...]:
    """Where Ray keeps its token and its sockets, by its own rules."""
    token = Path(os.environ.get(TOKEN_FILE) or "~/.ray/auth_token").expanduser()
    return token, Path(os.environ.get("RAY_TMPDIR") or "/tmp") / "ray"  # noqa: S108 - Ray's own
