"""In the notebook's room: a line that ends the kernel so that it starts anew, as Colab advises.

Enters: the shell and the kernel. Leaves: ``os.kill``, ``os._exit`` and others that, called by a
cell on its own kernel, end that cell and empty the namespace; a remark. Touches: ``os``, the shell.

Where a person sits, the kernel restarts and they run on below. In here it would end the run, and
all that stands below would be lost. Other processes, other signals and what no cell calls go their
usual way; so does every kernel that is ended by other means.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

DEADLY = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT})
RESTART = "restart"


class Restarted(BaseException):
    """Ends a cell: no error, and nothing that a cell would catch by accident."""


class Restarts:
    """Knows whether a cell is running, and in which thread and process."""

    def __init__(self, shell: Any, remarks: Any) -> None:
        self.shell = shell
        self.remarks = remarks
        self.usual_code = shell.run_code
        self.usual_traceback = shell.showtraceback
        self.running: tuple[int, int] | None = None  # process and thread
        self.folder = os.getcwd()  # noqa: PTH109 - as os.chdir takes it

    def restart(self, what: str) -> None:
        """End the cell, where a cell asks for it; else nothing happens.

        Raises:
            Restarted: it does.
        """
        if self.running == (os.getpid(), threading.get_ident()):
            self.remarks.tell(RESTART, what)
            raise Restarted

    async def run_code(self, code: Any, result: Any = None, **kwargs: Any) -> Any:
        """Run one statement; True (an error, nothing runs after it) also where it restarted."""
        before, self.running = self.running, (os.getpid(), threading.get_ident())
        try:
            failed = await self.usual_code(code, result, **kwargs)
        finally:
            self.running = before
        if result is not None and type(result.error_in_exec) is Restarted:
            result.error_in_exec = None
            self.shell.reset(new_session=False)
            os.chdir(self.folder)
        return failed

    def showtraceback(self, *args: Any, **kwargs: Any) -> Any:
        """Show an exception, unless it is no error."""
        __tracebackhide__ = True
        return None if sys.exc_info()[0] is Restarted else self.usual_traceback(*args, **kwargs)


def install(shell: Any, kernel: Any, remarks: Any) -> None:
    """Take the place of what ends a kernel."""
    restarts = Restarts(shell, remarks)
    shell.run_code, shell.showtraceback = restarts.run_code, restarts.showtraceback
    usual_kill = os.kill

    def kill(pid: int, sig: int, /) -> None:
        if pid == os.getpid() and sig in DEADLY:
            restarts.restart("os.kill()")
        usual_kill(pid, sig)

    os.kill = kill
    os._exit = _instead(restarts, "os._exit()", os._exit)
    os.abort = _instead(restarts, "os.abort()", os.abort)
    shell.ask_exit = _instead(restarts, "exit()", shell.ask_exit)
    kernel.do_shutdown = _instead(restarts, "do_shutdown()", kernel.do_shutdown)


def _instead(restarts: Restarts, what: str, usual: Callable[..., Any]) -> Callable[..., Any]:
    def ends(*args: Any, **kwargs: Any) -> Any:
        restarts.restart(what)
        return usual(*args, **kwargs)

    return ends
