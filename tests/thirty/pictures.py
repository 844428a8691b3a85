"""Pictures of a class's pages on a phone and on a desk, to be looked at.

    python -m tests.thirty.pictures .thirty pictures

Enters: the folder of ``tests.thirty``. Leaves: a picture of each page in both languages at 390 and
1280 pixels, and what does not fit on stdout. Touches: copies the folder's grades, writes pages and
pictures, starts Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support import browser

WIDTHS = (390, 1280)
TALLEST = 6000  # pixels of a picture
STUDENTS = {"late": "_1004", "formula": "_1029", "no-notebook": "_1012", "by-hand": "_1001"}
# What reaches beyond the screen, and text that is narrower than a word.
LOOK = """(() => {
 const screen = WIDTH, wide = [], thin = [];
 for (const one of document.querySelectorAll('main *')) {
  const box = one.getBoundingClientRect(), text = (one.innerText || '').trim();
  if (!box.width || one.closest('.scroll, pre, .hidden, .skip, svg')) continue;
  if (box.right > screen + 1) wide.push([one.tagName, one.className, text.slice(0, 30)]);
  if (text.length >= 8 && box.width < 44 && box.height > 60)
   thin.push([one.tagName, one.className, text.slice(0, 30)]);
 }
 return {wide: wide.slice(0, 5), thin: thin.slice(0, 5), height: document.body.scrollHeight};
})()"""


def pages(place: Path) -> Iterator[tuple[str, Path]]:
    """Write the pages in both languages; give each with a name."""
    for language in ("en", "ko"):
        out = place / "pages" / language
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(place / "canvas" / "out", out)
        environment = {
            **os.environ,
            "GRADER_COURSE": str(place / "canvas" / "course"),
            "GRADER_SECRET_FILE": str(place / "canvas" / "secret"),
        }
        for command in ("report", "similar"):
            subprocess.run(
                [sys.executable, "-m", "grader", command, "--out", str(out), "--lang", language],
                env=environment,
                stdout=subprocess.DEVNULL,
                check=False,
            )
        yield f"class-{language}", out / "index.html"
        yield f"similar-{language}", out / "alike.html"
        for name, end in STUDENTS.items():
            (page,) = (one for one in (out / "feedback").glob("*.html") if f"{end}" in one.stem)
            yield f"student-{name}-{language}", page


async def taken(place: Path, to: Path) -> None:
    """Take the pictures."""
    async with browser._opened() as tab:
        for name, path in pages(place):
            for width in WIDTHS:
                tab.events.clear()
                screen = {"width": width, "height": 900, "deviceScaleFactor": 1}
                await tab.call(
                    "Emulation.setDeviceMetricsOverride", **screen, mobile=width < WIDTHS[-1]
                )
                await tab.call("Page.navigate", url=path.as_uri())
                await tab.loaded()
                await tab.quiet()
                look = f"JSON.stringify({LOOK.replace('WIDTH', str(width))})"
                seen: dict[str, Any] = json.loads(
                    (await tab.call("Runtime.evaluate", expression=look))["result"]["value"]
                )
                clip = {"x": 0, "y": 0, "width": width, "scale": 1}
                shot = await tab.call(
                    "Page.captureScreenshot",
                    format="png",
                    captureBeyondViewport=True,
                    clip={**clip, "height": min(seen.pop("height"), TALLEST)},
                )
                (to / f"{name}-{width}.png").write_bytes(base64.b64decode(shot["data"]))
                print(f"{name}-{width}: {seen if any(seen.values()) else 'fits'}")


def main() -> None:
    """Take pictures of the class from Canvas."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("to", type=Path)
    asked = parser.parse_args()
    asked.to.mkdir(parents=True, exist_ok=True)
    asyncio.run(taken(asked.place.absolute(), asked.to))


if __name__ == "__main__":
    main()
