"""In the notebook's room: leaves out statements, and says so.

Enters: the shell's own ways to run statements and to show tracebacks. Leaves: others that do the
same where nothing is lacking. Touches: the kernel's iopub. What fails here ends the cell as ever.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from .asking import Asking
from .devices import Devices
from .reasons import Lack, reason
from .statements import after_import, bound_by, first_import, texts_in, without_watching

LONGEST = 200  # characters of a text that is reported


class _Cell:
    """The statements of a cell (or of what a magic runs as one), and which of them is running."""

    def __init__(self, nodes: list[ast.stmt]) -> None:
        self.nodes = nodes
        self.next = 0

    def begin(self) -> None:
        self.next += 1

    @property
    def running(self) -> ast.stmt | None:
        return self.nodes[self.next - 1] if 0 < self.next <= len(self.nodes) else None


class LeavingOut:
    """Remembers which names are missing since their statement was left out."""

    def __init__(self, shell: Any, kernel: Any, asking: Asking) -> None:
        self.asking = asking
        self.shell = shell
        self.kernel = kernel
        self.usual_nodes: Callable[..., Awaitable[Any]] = shell.run_ast_nodes
        self.usual_code: Callable[..., Awaitable[Any]] = shell.run_code
        self.usual_traceback: Callable[..., Any] = shell.showtraceback
        self.cells: list[_Cell] = []
        self.missing: dict[str, Lack] = {}
        self.unwritten: dict[str, Lack] = {}  # files that statements left out speak of
        self.devices = Devices(shell.user_ns)
        self.left_out: BaseException | None = None  # the exception that was not shown
        self.lack: Lack | None = None  # for which it was not

    async def run_ast_nodes(self, nodelist: list[ast.stmt], *args: Any, **kwargs: Any) -> Any:
        """Run a cell's statements."""
        self.cells.append(_Cell(list(nodelist)))
        try:
            return await self.usual_nodes(nodelist, *args, **kwargs)
        finally:
            self.cells.pop()

    async def run_code(self, code: Any, result: Any = None, **kwargs: Any) -> Any:
        """Run one statement; False (no error) also where it was left out."""
        cell = self.cells[-1] if self.cells else None
        if cell is None:
            return await self.usual_code(code, result, **kwargs)
        cell.begin()
        self.asking.begin()
        failed = await self.usual_code(code, result, **kwargs)
        node = cell.running
        if not failed and node is not None:
            self.devices.learn(node)
        error, self.left_out = self.left_out, None
        if not failed or error is None or result is None or result.error_in_exec is not error:
            return failed
        result.error_in_exec = None
        return await self._run_rest(node, code.co_filename, result, kwargs)

    async def _run_rest(
        self, node: ast.stmt | None, file: str, result: Any, kwargs: dict[str, Any]
    ) -> Any:
        """Run what of a statement needs nothing that is missing."""
        alone = self._rest_of(node)
        if alone is None:
            return False
        for name in bound_by(alone):
            self.missing.pop(name, None)
        cell = self.cells[-1]
        cell.nodes[cell.next - 1] = alone
        cell.next -= 1
        code = compile(ast.Module([alone], []), file, "exec")
        return await self.run_code(code, result, **kwargs)

    def _rest_of(self, node: ast.stmt | None) -> ast.stmt | None:
        """Give the rest of ``import a, b, c`` without ``a``, or ``fit`` without a callback."""
        if node is None or self.lack is None:
            return None
        if isinstance(node, ast.Import):
            return after_import(node, self.lack.what)
        return without_watching(node, self.missing.keys() - self.shell.user_ns.keys())

    def showtraceback(self, *args: Any, **kwargs: Any) -> Any:
        """Show an exception, unless its statement is left out."""
        __tracebackhide__ = True
        if kwargs.get("running_compiled_code") and self._leaves_out(sys.exc_info()[1]):
            return None
        return self.usual_traceback(*args, **kwargs)

    def _leaves_out(self, error: BaseException | None) -> bool:
        """Decide on the running statement; what goes wrong in deciding leaves an error an error."""
        try:
            cell = self.cells[-1] if self.cells else None
            node = cell.running if cell is not None else None
            if cell is None or node is None or not isinstance(error, Exception):
                return False
            lack = self._consequence(error) or self.asking.lack(error)
            lack = lack or reason(error, node, self.devices)
            if lack is None:
                return False
            self.unwritten |= dict.fromkeys(texts_in(node), lack)
            self.missing |= dict.fromkeys(bound_by(first_import(node, lack.what)), lack)
            self._tell(node, lack, error, len(cell.nodes))
        except Exception:
            return False
        self.left_out, self.lack = error, lack
        return True

    def _consequence(self, error: Exception) -> Lack | None:
        """Give the lack for which the name or the file that is missing now was not made."""
        if isinstance(error, FileNotFoundError):
            return self.unwritten.get(str(error.filename))
        return self.missing.get(error.name or "") if type(error) is NameError else None

    def _tell(self, node: ast.stmt, lack: Lack, error: Exception, statements: int) -> None:
        content = {
            "line": node.lineno,
            "kind": lack.kind,
            "what": lack.what[:LONGEST],
            "error": f"{type(error).__name__}: {error}"[:LONGEST],
            "statements": statements,
        }
        self.kernel.session.send(
            self.kernel.iopub_socket,
            "grader_left_out",
            content,
            parent=self.kernel.get_parent(),
            ident=b"grader_left_out",
        )
