"""In the notebook's room: a statement that needs what the room lacks does not take its cell along.

Enters: the shell and the kernel. Leaves: ``grader_left_out`` messages on iopub, one per statement.
Touches: how the shell runs a cell's statements, and which tracebacks it shows.

IPython runs a cell's top-level statements one by one and ends the cell at the first that raises.
Where the exception traces to a lack of the room's, the next statement runs instead; so it does
where a name is missing that a statement left out would have bound. Every other exception, and every
cell without one, is IPython's business as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .asking import Asking
from .leaving_out import LeavingOut


def install(
    shell: Any, kernel: Any, remarks: Any, said: Sequence[str] = (), epochs: int | None = None
) -> None:
    """Stand between the shell and the statements that it runs.

    Args:
        shell: IPython's.
        kernel: the way out; it asks for input.
        remarks: takes what is worth a word.
        said: what cells with ``input`` had printed when their author ran them.
        epochs: that the exercise asks for.
    """
    asking = Asking(said, epochs, remarks)
    kernel.raw_input = asking.raw_input
    leaving_out = LeavingOut(shell, kernel, asking)
    shell.run_ast_nodes = leaving_out.run_ast_nodes
    shell.run_code = leaving_out.run_code
    shell.showtraceback = leaving_out.showtraceback
