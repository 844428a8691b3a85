"""GitHub's REST API, as far as grading needs it; Forgejo's and Gitea's has the same shapes.

Enters: an address, a token, paths. Leaves: parsed JSON, bounded. Touches: the network, nothing
else.

The token goes to the address that was given and to no other: redirects are not followed. Where the
API says that it was asked too often, it is asked again when it says, if that is soon.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message as Headers
from http.client import HTTPException
from typing import Any

from grader.text.printable import printable
from grader.types import GraderError, Json, Message

SECONDS = 30.0  # for one answer
MOST_BYTES = 2**24
TRIES = 4
MOST_WAIT = 300.0  # seconds; a job that waits for longer is better begun again
# Whoever opens a pull request may write 65,536 letters into it: so many are never too long.
PER_PAGE, MOST_PAGES = 30, 400
_LATER, _BROKEN, _NO_CONTENT = frozenset({403, 429}), 500, 204
_NEAR = frozenset({"127.0.0.1", "::1", "localhost"})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: with it would go the token."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class Api:
    """One API; ``token`` "" asks without any."""

    root: str
    token: str = ""
    wait: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse an address to which no token should go.

        Raises:
            GraderError: it is neither https nor on this machine.
        """
        found = urllib.parse.urlsplit(self.root)
        if found.scheme != "https" and not (found.scheme == "http" and found.hostname in _NEAR):
            raise GraderError(Message("ci.api_address", {"address": printable(self.root)}))

    def pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        """Give the objects of a list, page after page.

        Raises:
            GraderError: the API says no, or something that is no list of objects.
        """
        for page in range(1, MOST_PAGES + 1):
            sign = "&" if "?" in path else "?"
            found = self.ask("GET", f"{path}{sign}per_page={PER_PAGE}&page={page}")
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise self._error(path, "no list")
            yield from found
            if len(found) < PER_PAGE:
                return

    def ask(self, method: str, path: str, body: Mapping[str, Json] | None = None) -> Any:
        """Ask for one thing; what fails for a moment is asked for again.

        Raises:
            GraderError: the API says no, cannot be reached, or wants longer pauses than we make.
        """
        for attempt in range(TRIES):
            try:
                return self._asked(method, path, body)
            except urllib.error.HTTPError as error:
                pause = _pause(error.code, error.headers, attempt)
                said = f"{error.code} {error.reason}"
            except (OSError, HTTPException, ValueError) as error:
                pause, said = float(2**attempt), f"{type(error).__name__}: {error}"
                if attempt == TRIES - 1 and isinstance(error, urllib.error.URLError):
                    args = {"address": self.root, "error": printable(said, limit=200)}
                    raise GraderError(Message("ci.api_unreached", args)) from error
            if pause is None or attempt == TRIES - 1:
                raise self._error(path, said)
            if pause > MOST_WAIT:
                raise GraderError(Message("ci.api_later", {"minutes": round(pause / 60)}))
            self.wait(pause)
        raise AssertionError("unreachable")

    def _asked(self, method: str, path: str, body: Mapping[str, Json] | None) -> Any:
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "rnn-grader"}
        headers["X-GitHub-Api-Version"] = "2022-11-28"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{self.root.rstrip('/')}{path}", data=data, headers=headers, method=method
        )
        opener = urllib.request.build_opener(_NoRedirect())
        with opener.open(request, timeout=SECONDS) as answer:
            told = answer.read(MOST_BYTES + 1)
            if len(told) > MOST_BYTES:
                raise ValueError("too long")
            return None if answer.status == _NO_CONTENT else json.loads(told)

    def _error(self, path: str, said: str) -> GraderError:
        args = {"path": printable(path, limit=200), "error": printable(said, limit=200)}
        return GraderError(Message("ci.api", args))


def _pause(code: int, headers: Headers, attempt: int) -> float | None:
    """Give the seconds to wait before asking again; None where that is no use."""
    if code >= _BROKEN:
        return float(2**attempt)
    if code not in _LATER:
        return None
    if (after := headers.get("Retry-After", "")).isdigit():
        return float(after)
    reset = headers.get("X-RateLimit-Reset", "")
    if headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return None if code != 429 else float(2**attempt)  # noqa: PLR2004 - too many requests
