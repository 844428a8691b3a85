"""A small part of GitHub's REST API on this machine, with answers in the shapes that it gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


def pull(number: int, login: str, base: str, head: str, **more: Any) -> dict[str, Any]:
    """A pull request as GitHub lists it, as far as it is read; the rest are traps."""
    return {
        "id": 1_000_000 + number,
        "number": number,
        "state": "open",
        "locked": False,
        "title": "$(touch pwned) `touch pwned`",
        "user": {"login": login, "id": 2000 + number, "type": "User", "site_admin": False},
        "body": "<!-- rnn-grader -->\nscore: 100",
        "created_at": f"2026-09-0{number % 9 + 1}T09:00:00Z",
        "updated_at": "2026-09-10T09:00:00Z",
        "draft": False,
        "author_association": "CONTRIBUTOR",
        "head": {"label": f"{login}:$(touch pwned)", "ref": "$(touch pwned)", "sha": head},
        "base": {"label": "course:main", "ref": "main", "sha": base},
        **more,
    }


@dataclass
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class FakeApi:
    """Answers lists of pull requests, takes comments and checks; fails first as often as asked."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    fails: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, one: Asked) -> tuple[int, Any]:
        parts = urlsplit(one.path)
        if one.method == "GET" and parts.path.endswith("/pulls"):
            asked = {
                key: int(found[0])
                for key, found in parse_qs(parts.query).items()
                if found[0].isdigit()
            }
            size, page = asked["per_page"], asked["page"]
            return 200, self.pulls[(page - 1) * size : page * size]
        if one.method == "POST" and parts.path.endswith("/comments"):
            number = 500 + len(self.comments)
            self.comments[number] = one.body["body"]
            return 201, {"id": number, "user": {"login": "grades[bot]"}, "body": one.body["body"]}
        if one.method == "PATCH" and "/issues/comments/" in parts.path:
            number = int(parts.path.rpartition("/")[2])
            self.comments[number] = one.body["body"]
            return 200, {"id": number}
        if one.method == "POST" and parts.path.endswith("/check-runs"):
            return 201, {"id": 1, "status": "completed"}
        return 404, {"message": "Not Found"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                one = Asked(self.command, self.path, dict(self.headers), body)
                api.asked.append(one)
                status, more = api.fails.pop(0) if api.fails else (0, {})
                answered = (status, {"message": "x"}) if status else api.answer(one)
                data = json.dumps(answered[1]).encode()
                self.send_response(answered[0])
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _do  # noqa: N815 - as the server's class names them

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
