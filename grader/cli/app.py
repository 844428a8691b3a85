"""The command line: all commands, in the order in which ``--help`` shows them.

Enters: the command line. Leaves: exit codes (0 all accepted, 1 some not, 2 bad usage, 3 something
ungraded or left out). Touches: stdout and stderr.
"""

from __future__ import annotations

from typing import Annotated

import typer

from grader import __version__
from grader.cli import ci_commands, course_commands, grade_commands, hand_commands

app = typer.Typer(
    name="grader",
    help="Grade recurrent-network notebooks: evidence from the run, fair thresholds, reasons.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # plain help: a tenth of a second less, one line less to fold
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Grade recurrent-network notebooks: evidence from the run, fair thresholds, reasons."""
    if version:
        typer.echo(f"grader {__version__}")
        raise typer.Exit


grade_commands.add_to(app)
course_commands.add_to(app)
hand_commands.add_to(app)
ci_commands.add_to(app)
course_commands.add_groups_to(app)
