"""Grades a submission of Classroom 50, by the grader that lies beside this file.

Enters: the student's repository as working folder, Classroom 50's variables. Leaves:
``result.json`` and ``release-body.md`` in the working folder; an exit code, not 0 where there is no
result. Touches: a folder for temporary files; installs packages where there are none.

Nothing of the working folder is imported or run here: it is the student's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent
# On Python 3.14 there is a TensorFlow only as a release candidate, so it has pins of its own.
OLDER, NEWER = "requirements/ci.txt", "requirements/ci-3.14.txt"
RESULTS = (("result.json", "result.json"), ("summary.md", "release-body.md"))  # made, wanted
NO_RESULT = 3  # what the grader says where something is ungraded
PINS = BUNDLE / (OLDER if sys.version_info < (3, 14) else NEWER)


def about(work: Path) -> dict[str, str]:
    """Say what Classroom 50 wants to read about a submission."""
    given = os.environ.get
    return {
        "classroom": given("CLASSROOM", ""),
        "assignment": given("ASSIGNMENT", ""),
        "assignment_type": given("ASSIGNMENT_TYPE") or "individual",
        "owner": owner(),
        "submission": given("SUBMISSION_TAG", ""),
        "commit": given("COMMIT_URL", ""),
        "release": given("RELEASE_URL", ""),
        "review": given("REVIEW_URL") or given("COMMIT_URL", ""),
        "datetime": committed(work),
    }


def owner() -> str:
    """Whose repository it is."""
    return os.environ.get("OWNER") or os.environ.get("USERNAME") or ""


def git(work: Path, *arguments: str) -> str:
    """Ask git, without anything of the repository being run; "" where it says no."""
    line = ["git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", str(work)]
    done = subprocess.run([*line, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def committed(work: Path) -> str:
    """When it was handed in, as the commit has it."""
    said = git(work, "show", "-s", "--format=%ct", "HEAD")
    when = datetime.fromtimestamp(int(said), UTC) if said.isdigit() else datetime.now(UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def first_commit(work: Path) -> str:
    """Give the commit with what the student was given; "" grades everything."""
    found = git(work, "rev-list", "--first-parent", "--max-parents=0", "HEAD").split()
    head = git(work, "rev-parse", "HEAD")
    return "" if not found or found[-1] == head else found[-1]


def interpreter(place: Path) -> str:
    """Give a Python that has the packages; one is made where this one has not."""
    if importlib.util.find_spec("typer") and importlib.util.find_spec("jupyter_client"):
        return sys.executable
    environment = Path(os.environ.get("RUNNER_TEMP") or place) / "grader-environment"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(environment)], cwd=place, check=True)
        line = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(PINS)]
        subprocess.run(line, cwd=place, check=True)
    return str(python)


def clear(work: Path) -> None:
    """Remove what lies where results are looked for: whoever commits a result has not made one."""
    for _, wanted in RESULTS:
        place = work / wanted
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def main() -> int:
    """Grade, and put the results where the runner looks for them."""
    work = Path.cwd()
    clear(work)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        told = place / "about.json"
        told.write_text(json.dumps(about(work)), encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        environment |= {
            "GRADER_COURSE": str(BUNDLE),
            "PYTHONPATH": str(BUNDLE),
            "PYTHONSAFEPATH": "1",
        }
        line = [interpreter(place), "-m", "grader", "ci", "--public", "--fail-on=never"]
        line += [f"--repository={work}", f"--base={first_commit(work)}", f"--student={owner()}"]
        line += [f"--about={told}", f"--out={place / 'grades'}", f"--reports={place / 'reports'}"]
        code = subprocess.run(line, cwd=place, env=environment, check=False).returncode
        for made, wanted in RESULTS:
            if (place / "reports" / made).is_file():
                shutil.copyfile(place / "reports" / made, work / wanted)
    return code or (0 if (work / "result.json").is_file() else NO_RESULT)


if __name__ == "__main__":
    sys.exit(main())
