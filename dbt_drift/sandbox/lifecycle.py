"""Runs the sandbox: opens its port and its data file, serves, saves and closes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from typing import TYPE_CHECKING

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.api import Api
from dbt_drift.sandbox.calls.store import Store
from dbt_drift.sandbox.control import Control
from dbt_drift.sandbox.persistence import DataFile, give_back, take_unsaved
from dbt_drift.sandbox.transport import HOST, HttpServer, listen

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from dbt_drift.sandbox.setup import Setup

_log = logging.getLogger(__name__)

_SAVE_EVERY_S = 0.25


class Server:
    """A sandbox with an open port and data file, to be served once.

    Args:
        port: The loopback port; 0 takes a free one.
        data: The data file; None keeps everything in memory.
        setup: The initial state.

    Attributes:
        url: Its base URL, without a trailing slash.
        control: Controls it for tests and for the page.

    Raises:
        ConfigurationError: The port, the data file or the setup cannot be used.
    """

    def __init__(self, *, port: int, data: str | PathLike[str] | None, setup: Setup) -> None:
        with contextlib.ExitStack() as undo:
            self._socket = undo.enter_context(contextlib.closing(listen(port)))
            self._file = None if data is None else undo.enter_context(contextlib.closing(DataFile(data)))
            store = Store() if self._file is None else self._file.load()
            self.control = Control(Api(store, setup.behaviour), setup)
            undo.pop_all()
        self._store = store
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"

    async def run(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        """Serve until stopped, then save everything and close the port and the file.

        Args:
            ready: Called when requests are accepted.
            stop: Set it to stop.

        Raises:
            ConfigurationError: The last changes could not be saved.
        """
        http = HttpServer(self.control)
        try:
            await http.start(self._socket)
            ready()
            await self._save_until(stop)
        finally:
            await http.stop()
            self._socket.close()
            try:
                await self._save()
            except sqlite3.Error as error:
                raise ConfigurationError(f"The sandbox could not save its contacts: {error}.") from error
            finally:
                if self._file is not None:
                    self._file.close()

    async def _save_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._save()
            except sqlite3.Error as error:
                _log.warning("The sandbox cannot save its contacts now and will try again: %s", error)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), _SAVE_EVERY_S)

    async def _save(self) -> None:
        batch = None if self._file is None else take_unsaved(self._store)
        if self._file is None or batch is None:
            return
        try:
            await asyncio.to_thread(self._file.write, batch)
        except sqlite3.Error:
            give_back(self._store, batch)
            raise
