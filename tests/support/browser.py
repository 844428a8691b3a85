"""A real browser, told what to do through its debugging port, and an address that counts visitors.

Enters: addresses of pages. Leaves: what a page did. Touches: starts Chromium with a profile of its
own, and a server on this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    *("--headless", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu"),
    *("--disable-background-networking", "--disable-extensions", "--no-default-browser-check"),
)
START_SECONDS = 60.0
LOAD_SECONDS = 120.0
QUIET_SECONDS, LONGEST_QUIET_SECONDS = 0.15, 5.0

# What a reader might do: open, point at, focus, click. Links to other pages are looked at, not
# followed.
TOUCH = """
for (const one of document.querySelectorAll('details')) one.open = true;
for (const one of document.querySelectorAll('*')) {
  for (const kind of ['mouseover', 'mouseenter', 'pointerdown', 'toggle', 'animationstart', 'error'])
    one.dispatchEvent(new Event(kind, {bubbles: false}));
  if (one.focus) one.focus();
  if (one.click && !(one.tagName === 'A' && one.protocol === 'file:')) one.click();
}
"""
LOOK = """
const all = [...document.querySelectorAll('*')];
const places = all.flatMap(one => ['href', 'xlink:href', 'src', 'action', 'formaction', 'data']
  .map(name => one.getAttribute(name)).filter(value => value !== null));
const protocol = place => URL.canParse(place, location) ? new URL(place, location).protocol : place;
JSON.stringify({
  canary: typeof window.canary, address: location.href, base: document.baseURI,
  tags: [...new Set(all.map(one => one.localName))],
  attributes: [...new Set(all.flatMap(one => one.getAttributeNames()))],
  protocols: [...new Set(places.map(protocol))],
  text: document.body.innerText.length,
})
"""


@dataclass(frozen=True)
class Seen:
    """What a page did when it was opened and touched."""

    canary: str  # "undefined" unless a script ran
    address: str
    base: str
    dialogs: tuple[str, ...]
    requests: tuple[str, ...]  # besides the page itself
    tags: frozenset[str]
    attributes: frozenset[str]
    protocols: frozenset[str]
    text: int


class Visitors:
    """A server that nobody should ask."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        visitors = self.paths

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visitors.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the protocol's name

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server.server_address[1]}"


class Tab:
    """One tab, driven by messages."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.sent = 0
        self.events: list[dict[str, Any]] = []
        self.arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while (text := await self.socket.read_message()) is not None:
            message = json.loads(text)
            if message.get("method") == "Page.javascriptDialogOpening":
                self._send("Page.handleJavaScriptDialog", accept=True)
            await self.arrived.put(message)

    def _send(self, method: str, **params: Any) -> int:
        self.sent += 1
        self.socket.write_message(json.dumps({"id": self.sent, "method": method, "params": params}))
        return self.sent

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        number = self._send(method, **params)
        while (message := await self._next(LOAD_SECONDS)).get("id") != number:
            pass
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    async def _next(self, seconds: float) -> dict[str, Any]:
        message = await asyncio.wait_for(self.arrived.get(), seconds)
        if "method" in message:
            self.events.append(message)
        return message

    async def quiet(self) -> None:
        """Wait until nothing has happened for a while."""
        deadline = time.monotonic() + LONGEST_QUIET_SECONDS
        with contextlib.suppress(asyncio.TimeoutError):
            while time.monotonic() < deadline:
                await self._next(QUIET_SECONDS)

    async def loaded(self) -> None:
        """Wait for the page's load event."""
        while not any(one["method"] == "Page.loadEventFired" for one in self.events):
            await self._next(LOAD_SECONDS)

    async def visit(self, address: str) -> Seen:
        """Open a page, touch everything on it, and say what it did."""
        self.events.clear()
        await self.call("Page.navigate", url=address)
        await self.loaded()
        await self.quiet()
        await self.call("Runtime.evaluate", expression=TOUCH)
        await self.quiet()
        answer = await self.call("Runtime.evaluate", expression=LOOK)
        assert "value" in answer["result"], answer
        seen = json.loads(answer["result"]["value"])
        return Seen(
            canary=seen["canary"],
            address=seen["address"],
            base=seen["base"],
            dialogs=tuple(self._told("Page.javascriptDialogOpening", "message")),
            requests=tuple(url for url in self._requested() if url != address),
            tags=frozenset(seen["tags"]),
            attributes=frozenset(seen["attributes"]),
            protocols=frozenset(seen["protocols"]),
            text=seen["text"],
        )

    def _told(self, method: str, name: str) -> Iterator[str]:
        return (one["params"][name] for one in self.events if one["method"] == method)

    def _requested(self) -> Iterator[str]:
        return (one["url"] for one in self._told("Network.requestWillBeSent", "request"))  # type: ignore[index]


def visit(addresses: Sequence[str]) -> list[Seen]:
    """Open pages one after another in one browser."""
    return asyncio.run(_visit(addresses))


async def _visit(addresses: Sequence[str]) -> list[Seen]:
    async with _opened() as tab:
        return [await tab.visit(address) for address in addresses]


def look(address: str, widths: Sequence[int], expression: str) -> list[Any]:
    """Open a page on screens of these widths and give what an expression is there, as JSON.

    ``WIDTH`` in it is the screen's: a phone's own idea of it grows with what does not fit.
    """
    return asyncio.run(_look(address, widths, expression))


async def _look(address: str, widths: Sequence[int], expression: str) -> list[Any]:
    found = []
    async with _opened() as tab:
        for width in widths:
            tab.events.clear()
            screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
            await tab.call("Emulation.setDeviceMetricsOverride", **screen)
            await tab.call("Page.navigate", url=address)
            await tab.loaded()
            await tab.quiet()
            asked = f"JSON.stringify({expression.replace('WIDTH', str(width))})"
            answer = await tab.call("Runtime.evaluate", expression=asked)
            assert "value" in answer["result"], answer
            found.append(json.loads(answer["result"]["value"]))
    return found


@contextlib.asynccontextmanager
async def _opened() -> AsyncIterator[Tab]:
    assert PROGRAM is not None
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()  # it has none for root
        running = subprocess.Popen(
            [PROGRAM, *FLAGS, *as_root, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            address = await _first_tab(Path(profile), running)
            socket = await websocket_connect(address, max_message_size=2**28)
            tab = Tab(socket)
            for domain in ("Page", "Network", "Runtime"):
                await tab.call(f"{domain}.enable")
            yield tab
            tab.reader.cancel()
            socket.close()
        finally:
            os.killpg(running.pid, 9)
            running.wait()


async def _first_tab(profile: Path, running: subprocess.Popen[bytes]) -> str:
    told = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert running.poll() is None, "the browser did not start"
        if told.exists() and (lines := told.read_text().split()):
            answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{lines[0]}/json/list")
            for one in json.loads(answer.body):
                if one["type"] == "page":
                    return str(one["webSocketDebuggerUrl"])
        await asyncio.sleep(0.1)
    raise TimeoutError("the browser did not open its debugging port")
