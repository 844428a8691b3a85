"""``grader`` and ``python -m grader``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; whatever goes wrong becomes one line and an exit code."""
    from grader.cli.errors import told_in_one_line

    with told_in_one_line():
        from grader.cli.app import app

        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # an old console shows "?" rather than nothing
                stream.reconfigure(errors="replace")
        sys.exit(app(prog_name="grader", standalone_mode=False))


if __name__ == "__main__":
    main()
