"""The command that readies a machine: packages, secret and key, what is compiled once.

Enters: nothing. Leaves: installed packages, secret and key pair, the kernel for recurrent layers, a
cache of compiled programs. Touches: stdout, rooms, these caches, a C++ compiler, the environment
that the grader runs in, through pip.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from grader import environment, seeds, user_folders
from grader.cli.course import course_to_grade_with, open_words, words_anywhere
from grader.pipeline.ours import without_results
from grader.pipeline.runner import slots
from grader.record import files, signing
from grader.room import Room, open_room, warmed
from grader.room.xla_cache import cache_folder, filling
from grader.text.words import Words
from grader.types import Engine, GraderError, Message

MOST_WHY = 600  # characters of pip's complaint


def run_prepare(lang: str | None, *, kernel_alone: bool = False) -> int:
    """Install packages, make secret and key, build the kernel, compile what references need.

    ``kernel_alone``: build the kernel and nothing else, as where the grader is set up: anywhere.

    Raises:
        GraderError: a package cannot be installed, JAX is not, or the rooms here are no boundary.
    """
    if kernel_alone:
        _say(words_anywhere(lang), not_kept() or _kernel_of(open_room("auto")))
        return 0
    course = course_to_grade_with(())
    words = open_words(course, lang)
    if missing := environment.missing(course.packages):
        install(missing)
        sys.stdout.write(words("cli.packages_installed", packages=", ".join(missing)) + "\n")
        sys.stdout.flush()
    seeds.course_secret()
    sys.stdout.write(words("cli.course_secret", path=str(seeds.secret_path())) + "\n")
    if importlib.util.find_spec("cryptography") is not None:
        path = signing.key_path().with_name(signing.PUBLIC_NAME)
        files.write_whole(path, f"{signing.make_key()}\n".encode(), shared=True)
        sys.stdout.write(words("cli.signing_key", path=str(path)) + "\n")
    if Engine.JAX not in environment.engines():
        raise GraderError(Message("cli.prepare_needs_jax"))
    if refused := not_kept():
        _say(words, refused)
        return 0
    from grader.calibration.compiling import fill

    room, _ = warmed(open_room("auto", without_results(course.root)))
    _say(words, _kernel_of(room))
    for one in fill(course, room, slots(1)[0]):
        _say(words, Message("cli.prepared", {"exercise": one.exercise, "added": one.added}))
        for failed in one.failed:
            why = words.say(failed.why).rstrip(".")
            _say(words, Message(failed.told, {"exercise": one.exercise, "why": why}))
    return 0


def not_kept() -> Message | None:
    """Say why nothing that is compiled can be kept here, which costs time and no points."""
    from grader.trainer.kernels import kernel_folder

    for folder in (kernel_folder().parent, cache_folder()):
        if why := user_folders.refusal(folder, user_folders.OPEN_FOLDER):
            return Message("cli.nothing_kept", {"path": str(folder), "why": why})
    return None


def _say(words: Words, message: Message) -> None:
    sys.stdout.write(words.say(message) + "\n")
    sys.stdout.flush()


def _kernel_of(room: Room) -> Message:
    """Build the kernel for recurrent layers; what is said where that fails stops nothing."""
    from grader.trainer.building import build

    if Engine.JAX not in environment.engines():
        return Message("kernel.no_jax")
    with filling(room) as compiling:
        built = build(compiling, slots(1)[0].cores)
    if isinstance(built, Message):
        return built
    return Message("kernel.built", {"version": built.version})


def install(packages: Sequence[str]) -> None:
    """Install packages beside the grader, leaving alone what notebooks compute with.

    Raises:
        GraderError: there is no pip, or it says no.
    """
    named = " ".join(packages)
    if importlib.util.find_spec("pip") is None:
        raise GraderError(
            Message("cli.packages_no_pip", {"packages": named, "python": sys.executable})
        )
    bounds = environment.installed(environment.PACKAGES)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.writelines(f"{name}=={version}\n" for name, version in bounds.items())
        constraints.flush()
        options = ("--no-input", "--disable-pip-version-check", "--constraint", constraints.name)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", *options, "--", *packages],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )
    if done.returncode != 0:
        why = done.stderr.strip()[-MOST_WHY:]
        raise GraderError(Message("cli.packages_failed", {"packages": named, "why": why}))
