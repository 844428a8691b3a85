"""``grader`` and ``python -m grader``."""

from __future__ import annotations


def main() -> None:
    """Run the command line; every GraderError becomes one line and the exit code for bad usage."""
    from grader.cli.app import app
    from grader.cli.errors import told_in_one_line

    with told_in_one_line():
        app(prog_name="grader")


if __name__ == "__main__":
    main()
