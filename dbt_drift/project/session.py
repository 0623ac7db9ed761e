"""A connection to the warehouse through the project's adapter: macros, rows, transactions."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.errors import WarehouseError
from dbt_drift.project.adapter import OUR_PACKAGE
from dbt_drift.project.errors import dbt_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt.adapters.sql.impl import SQLAdapter

_FILE_IN_USE = "Could not set lock on file"
"""DuckDB's error if another process has its file open."""

_FILE_PATIENCE = 30.0
_FILE_PAUSE = 0.1
_FILE_STATEMENT = 1.0
"""In seconds. Most processes hold the file for one statement; the error names a process that holds it longer."""

_log = logging.getLogger("dbt_drift")


class Session:
    """An open connection to the warehouse, through the project's adapter. Created by `DbtProject.connect`."""

    def __init__(self, adapter: SQLAdapter) -> None:
        self._adapter = adapter

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open; dbt begins one itself when it reads the catalog."""
        return bool(self._adapter.connections.get_thread_connection().transaction_open)

    def call(self, macro: str, **arguments: Any) -> Any:
        """Run a macro of dbt-drift's dbt package and return its result; it receives structs as dicts."""
        with dbt_errors(WarehouseError):
            return self._adapter.execute_macro(macro, project=OUR_PACKAGE, kwargs=msgspec.to_builtins(arguments))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one transaction, if the warehouse supports it; roll back if the block raises.

        A single statement needs none: outside of a transaction, each is committed by itself.
        """
        if self.in_transaction:
            self._adapter.connections.commit()
        self._adapter.connections.begin()
        self.call("begin")
        yield
        self._adapter.connections.commit()

    def tables(self, database: str | None, schema: str) -> list[str]:
        """Return the sorted names of the relations in a schema; empty if the schema does not exist.

        Call it in a transaction: otherwise dbt begins its own, and leaves it open.
        """
        # dbt inserts the name unescaped into a text literal and uses `ilike`, in which _ matches any character.
        literal = schema.replace("'", "''")
        place = self._adapter.Relation.create(database=database, schema=literal).without_identifier()
        found = self._adapter.list_relations_without_caching(place)
        return sorted(str(one.identifier) for one in found if str(one.schema).casefold() == schema.casefold())

    def rows(self, sql: str, *, batch: int = 1000) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, in the driver's own Python types, fetched `batch` rows at a time."""
        _, cursor = self._adapter.connections.add_query(sql, auto_begin=False)
        while found := cursor.fetchmany(batch):
            yield from found


def open_patiently(adapter: SQLAdapter) -> None:
    """Open the thread's connection, on which each statement is committed by itself.

    Waits while another process, such as dbt, has DuckDB's file open.
    """
    began = time.monotonic()
    is_said = False
    while holder := _file_holder(adapter, patient=time.monotonic() < began + _FILE_PATIENCE):
        if not is_said and time.monotonic() >= began + _FILE_STATEMENT:
            _log.warning("DuckDB's file is open in %s: waiting for it up to %.0f seconds.", holder, _FILE_PATIENCE)
            is_said = True
        time.sleep(_FILE_PAUSE)
    handle = adapter.connections.get_thread_connection().handle
    if hasattr(handle, "autocommit"):  # psycopg2 would begin a transaction at the first statement
        handle.autocommit = True


def _file_holder(adapter: SQLAdapter, *, patient: bool) -> str:
    """Open the connection; return "", or the process that has the file open."""
    try:
        _ = adapter.connections.get_thread_connection().handle  # the first access opens it
    except Exception as error:
        if patient and _FILE_IN_USE in str(error):
            named = re.search(r"held in (.+? \(PID \d+\))", str(error))
            return named[1] if named else "another process"
        raise
    return ""
