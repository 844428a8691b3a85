"""Statements that anybody can check: Ed25519 over the canonical form of what is said.

Enters: a statement, a private key; or a file and the public key that was published. Leaves: a file;
the statement, if it is genuine. Touches: reads the private key's file, and makes it once.

The key pair is the course's. Whoever checks has the public half from elsewhere: the one that stands
in the file says only which key is meant, and is never believed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader import seeds
from grader.record.keys import canonical
from grader.types import GraderError, Json, Message

SCHEMA = "grader/signed-record/v1"
KEY_NAME, PUBLIC_NAME = "signing-key", "signing-key.pub"
KIND = "ed25519:"
BYTES = 32
MOST_BYTES = 2**20
_PRIVATE = re.compile(r"[0-9a-f]{64}")
_PUBLIC = re.compile(r"ed25519:([A-Za-z0-9+/]{43}=)")


class ForgedError(ValueError):
    """The file is not what the key's owner signed."""


def key_path() -> Path:
    """Where the private key lives: GRADER_SIGNING_KEY_FILE, else beside the course secret."""
    named = os.environ.get("GRADER_SIGNING_KEY_FILE")
    return Path(named).expanduser() if named else seeds.secret_path().with_name(KEY_NAME)


def make_key(path: Path | None = None) -> str:
    """Make a key pair where there is none, readable by its owner alone; give the public half.

    Raises:
        GraderError: the file cannot be written, or holds something else.
    """
    path = path or key_path()
    if not path.exists():
        try:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(opened, "wb") as file:
                    file.write(secrets.token_bytes(BYTES).hex().encode())
                with contextlib.suppress(FileExistsError):
                    os.link(new, path)  # of several the first one wins
            finally:
                new.unlink()
        except OSError as error:
            raise _unreadable(path, error.strerror or repr(error)) from error
    return public_half(path)


def public_half(path: Path | None = None) -> str:
    """Give the public half of the private key, as it is published.

    Raises:
        GraderError: there is no private key, or the file holds something else.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _private(path or key_path()).public_key()
    return KIND + base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def signed(statement: Mapping[str, Json], path: Path | None = None) -> bytes:
    """Sign a statement; gives the file.

    Raises:
        GraderError: there is no private key, or the file holds something else.
    """
    path = path or key_path()
    signature = base64.b64encode(_private(path).sign(_told(statement))).decode()
    whole = {"schema": SCHEMA, "statement": dict(statement), "key": public_half(path)}
    text = json.dumps(
        {**whole, "signature": signature}, ensure_ascii=False, indent=1, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass") + b"\n"


def genuine(data: bytes, public: str) -> dict[str, Any]:
    """Give the statement of a file that this key signed.

    Raises:
        ForgedError: it did not, or the file is none of ours; says why.
        GraderError: ``public`` is no public key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    match = _PUBLIC.fullmatch(public.strip())
    if match is None:
        raise GraderError(Message("record.no_public_key"))
    try:
        told = json.loads(data)
        statement, signature = told["statement"], base64.b64decode(told["signature"], validate=True)
        if told["schema"] != SCHEMA or not isinstance(statement, dict):
            raise ForgedError("schema")
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(match[1]))
        key.verify(signature, _told(statement))
    except InvalidSignature as error:
        raise ForgedError("signature") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, ForgedError):
            raise
        raise ForgedError("form") from error
    return statement


def _told(statement: Mapping[str, Json]) -> bytes:
    """Give what is signed: what kind of thing it is, and its canonical form."""
    return SCHEMA.encode() + b"\0" + canonical(statement)


def _private(path: Path) -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ModuleNotFoundError as error:
        raise GraderError(Message("record.no_signing")) from error
    try:
        text = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else None
        said = told or type(error).__name__
        raise _unreadable(path, said) from error
    if not _PRIVATE.fullmatch(text):
        raise _unreadable(path, "64 × 0-9a-f")
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def _unreadable(path: Path, error: str) -> GraderError:
    return GraderError(Message("record.bad_signing_key", {"path": str(path), "error": error}))
