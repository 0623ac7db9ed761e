"""SIGINT and SIGTERM: the first one ends the run in order, the second one at once."""

from __future__ import annotations

import contextlib
import multiprocessing.util
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

from dbt_drift.errors import StoppedError
from dbt_drift.terminal import echo, live_line

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop:
    """Whether the user, or the scheduler, wants the run to end."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether it is to end."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Let it end in order."""
        self._asked.set()

    def check(self) -> None:
        """Raise where the run can be left.

        Raises:
            StoppedError: It is to end.
        """
        if self.asked:
            raise StoppedError("Interrupted.", advice="Run it again: it goes on where this run stopped.")


@contextlib.contextmanager
def stopping_on_signals(stop: Stop) -> Iterator[None]:
    """Ask `stop` at the first SIGINT or SIGTERM, and leave the process at the second.

    Only the main thread can do that: in another one, signals are left to whoever has started it.

    A handler of Python's waits for the statement that the warehouse's driver is in, which may be a long one. The number
    of the signal that Python writes to the wake-up socket does not: a thread of its own reads it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)  # noqa: FBT003 - the socket's own signature
    watching = threading.Thread(target=_watch, args=(reading, stop), daemon=True)
    watching.start()
    # Without a handler of Python's a signal would end the process before anything is written.
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
            # dbt's locks are semaphores with names: Python's tracker would complain of those that are left.
            multiprocessing.util._run_finalizers(0)  # type: ignore[attr-defined]  # noqa: SLF001 - it has no other name
            os._exit(128 + number)
        stop.ask()
        echo("Stopping: what is under way is finished first. Once more stops at once.", err=True)
