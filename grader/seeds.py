"""The course secret, and every seed that comes from it.

Enters: a secret of 32 bytes. Leaves: seeds. Touches: reads the secret's file, and makes it once.

The secret stays on the judge's side: it is in no room, no feedback and no repository. Whoever has
it can replay every grade; whoever has not cannot foretell the hidden data.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from grader import user_folders
from grader.types import GraderError, Message

BYTES = 32


def secret_path() -> Path:
    """Where the secret lives: GRADER_SECRET_FILE, else the user's data folder."""
    named = os.environ.get("GRADER_SECRET_FILE")
    if named:
        return Path(named).expanduser()
    return user_folders.data() / user_folders.OURS / "course-secret"


def course_secret(path: Path | None = None) -> bytes:
    """Read the secret; make one, readable by its owner alone, where there is none yet.

    Raises:
        GraderError: the file cannot be read or made, or is too short to be a secret.
    """
    path = path or secret_path()
    try:
        if not path.exists():
            _make(path)
        data = path.read_bytes().strip()
    except OSError as error:
        raise GraderError(
            Message("seeds.unreadable", {"path": str(path), "error": error.strerror or repr(error)})
        ) from error
    if len(data) < BYTES:
        raise GraderError(Message("seeds.too_short", {"path": str(path), "needed": BYTES}))
    return hashlib.sha256(data).digest()


def _make(path: Path) -> None:
    """Write a new secret whole; of several graders the first one wins, and all read the same."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(BYTES).encode())
        with contextlib.suppress(FileExistsError):
            os.link(new, path)
    finally:
        new.unlink()


def derive(secret: bytes, *parts: str | int) -> int:
    """Give a seed below 2**31, fixed by the secret and the parts."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hmac.new(secret, text, hashlib.sha256).digest()[:4], "big") >> 1


def training_seed(secret: bytes, student: str, notebook: str, attempt: int) -> int:
    """Seed of a student's run: another one for each attempt."""
    return derive(secret, "training", student, notebook, attempt)


def hidden_seed(secret: bytes, exercise: str) -> int:
    """Seed of an exercise's hidden data: the same for all students of a course."""
    return derive(secret, "hidden", exercise)
