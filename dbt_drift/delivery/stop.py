"""SIGINT and SIGTERM: the first signal ends the run in order, the second one at once."""

from __future__ import annotations

import contextlib
import multiprocessing.util
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

from dbt_drift.errors import InterruptedRunError
from dbt_drift.terminal import echo, live_line

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop:
    """A request of the user or the scheduler to end the run."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether the run should end."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask the run to end in order."""
        self._asked.set()

    def check(self) -> None:
        """Raise an error if the run should end; call it where a run can stop.

        Raises:
            InterruptedRunError: The run should end.
        """
        if self.asked:
            raise InterruptedRunError("Interrupted.", advice="Run it again: it goes on where this run stopped.")


@contextlib.contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """Ask `stop` to end the run at the first SIGINT or SIGTERM, and exit the process at the second.

    Only the main thread can handle signals: in another thread this does nothing.

    A Python signal handler waits until the warehouse's driver returns, which may take long. The wake-up socket, to
    which Python writes the number of the signal, does not wait: a thread reads it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)  # noqa: FBT003 - the socket's own signature
    watching = threading.Thread(target=_watch, args=(reading, stop), daemon=True)
    watching.start()
    # Without a Python handler, a signal would end the process before anything is written.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    woken = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        writing.close()
        watching.join()
        reading.close()


def _watch(reading: socket.socket, stop: Stop) -> None:
    while received := reading.recv(1):
        number = received[0]
        if number not in (signal.SIGINT, signal.SIGTERM):
            continue
        if stop.asked:
            live_line.clear()
            # dbt's locks are named semaphores: Python would warn about those that are left.
            multiprocessing.util._run_finalizers(0)  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other name
            os._exit(128 + number)
        stop.ask()
        echo("Stopping: waiting for the requests under way. Press Ctrl-C again to stop at once.", err=True)
