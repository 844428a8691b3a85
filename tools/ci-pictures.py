"""Draws what a job of CI shows: its page and the comment, in both languages, into docs/images.

    python tools/ci-pictures.py

Enters: three samples, handed in by a pull request of a repository made for it; the shell steps of
the example workflows. Leaves: pictures. Touches: rooms, Chromium, which needs fonts for Korean and
emoji. The page around the text is drawn by us: it is what Markdown says, and not GitHub's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from PIL import Image, ImageChops

ROOT = Path(__file__).resolve().parents[1]
IMAGES, EXAMPLES = ROOT / "docs/images", ROOT / "docs/examples"
SAMPLES = {
    "sequence-prediction": "accepted/textbook.ipynb",
    "multiplication-simple-rnn": "wrong_architecture/ten_units.ipynb",
    "multiplication-gru": "runtime_error/fix_for_fit.ipynb",
}
RUN = "https://github.com/our-course/assignments/actions/runs/1"
WIDTH, HEIGHT, MARGIN = 860, 2000, 16  # pixels
STYLE = """
body { font: 14px/1.5 system-ui, "Nanum Gothic", sans-serif; color: #1f2328; margin: 16px; }
h2 { font-size: 21px; border-bottom: 1px solid #d1d9e0; padding-bottom: 4px; margin-top: 0; }
table { border-collapse: collapse; } th, td { border: 1px solid #d1d9e0; padding: 6px 13px; }
pre { background: #f6f8fa; padding: 14px; border-radius: 6px; font-size: 12px; }
a { color: #0969da; }
"""


def main() -> None:
    """Grade in both languages, and draw."""
    with tempfile.TemporaryDirectory(prefix="ci-pictures-") as name:
        place = Path(name)
        base = repository(place / "student")
        for language in ("en", "ko"):
            reports = graded(place, base, language)
            summary = (reports / "summary.md").read_text("utf-8") + linked(reports)
            draw(summary, IMAGES / f"ci-summary.{language}.png", place)
            draw(comment(reports), IMAGES / f"ci-comment.{language}.png", place)


def repository(place: Path) -> str:
    """Make a repository with a commit that hands samples in; gives the commit before it."""
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    git(place, "commit", "-q", "--allow-empty", "-m", "as handed out")
    for exercise, sample in SAMPLES.items():
        path = place / f"assignments/{exercise}/{exercise}.ipynb"
        path.parent.mkdir(parents=True)
        shutil.copyfile(ROOT / f"reference/{exercise}/submissions/{sample}", path)
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "my work")
    return git(place, "rev-parse", "HEAD~1")


def git(place: Path, *arguments: str) -> str:
    """Ask git in a repository."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    line = ["git", *who, *arguments]
    return subprocess.run(
        line, cwd=place, check=True, capture_output=True, text=True
    ).stdout.strip()


def graded(place: Path, base: str, language: str) -> Path:
    """Give the folder of reports of what the job of a pull request says."""
    reports = place / language
    line = [sys.executable, "-m", "grader", "ci", "--public", "--no-structure-first"]
    line += [f"--repository={place / 'student'}", f"--base={base}", "--head=HEAD", "--student=kim"]
    line += [f"--out={place / 'grades'}", f"--reports={reports}", f"--lang={language}"]
    line += ["--platform=plain", "--fail-on=never"]
    subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return reports


def script(workflow: str, name: str) -> str:
    """Give a step's script as its workflow has it."""
    steps = next(iter(yaml.safe_load((EXAMPLES / workflow).read_text("utf-8"))["jobs"].values()))
    return str(next(one["run"] for one in steps["steps"] if one.get("name") == name))


def linked(reports: Path) -> str:
    """Give the line that links a student's page."""
    path = reports / "link.md"
    told = {"PAGES": f"{RUN}/artifacts/1", "GITHUB_STEP_SUMMARY": str(path)}
    line = ["bash", "-c", script("github-pull-request.yml", "Link the pages")]
    subprocess.run(line, env={**os.environ, **told}, check=True)
    return path.read_text("utf-8")


def comment(reports: Path) -> str:
    """Give the comment as its workflow writes it."""
    (reports / "untrusted").mkdir()
    shutil.copyfile(reports / "comment.txt", reports / "untrusted/comment.txt")
    line = ["bash", "-c", script("github-comment.yml", "Write the comment")]
    subprocess.run(line, cwd=reports, env={**os.environ, "RUN": RUN}, check=True)
    return (reports / "comment.md").read_text("utf-8")


def draw(text: str, target: Path, place: Path) -> None:
    """Draw Markdown as a page, and cut off what is empty below it."""
    page, picture = place / "page.html", place / "page.png"
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{body}", "utf-8")
    line = [shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu"]
    line += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(line, check=True, capture_output=True)
    with Image.open(picture) as drawn:
        whole = drawn.convert("RGB")
        empty = Image.new("RGB", whole.size, "white")
        *_, bottom = ImageChops.difference(whole, empty).getbbox() or (0, 0, 0, HEIGHT)
        whole.crop((0, 0, WIDTH, bottom + MARGIN)).save(target, optimize=True)


if __name__ == "__main__":
    main()
