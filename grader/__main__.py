"""``grader`` and ``python -m grader``."""

from __future__ import annotations

import sys

OLDEST = (3, 11)


def main() -> None:
    """Run the command line; whatever goes wrong becomes one line and an exit code."""
    if sys.version_info < OLDEST:  # before anything is read that an older Python cannot
        sys.exit(_too_old())
    from grader.cli.errors import told_in_one_line

    with told_in_one_line():
        from grader.cli.app import app

        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # an old console shows "?" rather than nothing
                stream.reconfigure(errors="replace")
        sys.exit(app(prog_name="grader", standalone_mode=False))


def _too_old() -> str:
    found, wanted = (".".join(map(str, one[:2])) for one in (sys.version_info, OLDEST))
    return (
        f"grader: This is Python {found}; the grader needs {wanted} or newer. "
        f"Make an environment with a newer one: python{wanted} -m venv .venv\n"
        f"grader: Python {found}입니다. 채점기에는 {wanted} 이상이 필요합니다. "
        f"새 버전으로 환경을 만드십시오: python{wanted} -m venv .venv"
    )


if __name__ == "__main__":
    main()
