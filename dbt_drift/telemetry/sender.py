"""Does work with receivers in a thread of its own, so that they cost a run no more than its last seconds."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 5.0
"""How long a run waits at its end for what has not arrived yet."""

_MOST_WAITING = 1000


class Sender:
    """A thread that nobody waits for longer than `SECONDS`: a receiver may keep it for as long as it likes.

    Args:
        name: What it sends, in words.
    """

    def __init__(self, name: str) -> None:
        self._waiting: queue.Queue[Callable[[], object] | None] = queue.Queue(_MOST_WAITING)
        self._problem = ""
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, work: Callable[[], object]) -> None:
        """Do a piece of work soon. An exception means that something did not arrive; too much of it is dropped."""
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            self._problem = "too much was waiting"

    def close(self) -> str:
        """Wait for the rest, and return why something did not arrive, in words that quote nothing; "" if all did."""
        # If the queue is full, the thread hangs: it ends with the process.
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(SECONDS)
        return f"no answer within {SECONDS:.0f} seconds" if self._thread.is_alive() else self._problem

    def _work(self) -> None:
        me = threading.get_ident()

        def is_of_others(record: logging.LogRecord) -> bool:
            return record.thread != me

        # It warns that it tries again, which a library of dbt prints on stderr.
        log = logging.getLogger("urllib3.connectionpool")
        log.addFilter(is_of_others)
        while (work := self._waiting.get()) is not None:
            self._do(work)
        log.removeFilter(is_of_others)

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - its text may quote a secret of the URL
            self._problem = type(error).__name__
