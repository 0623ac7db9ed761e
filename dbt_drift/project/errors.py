"""Converts the exceptions of dbt and of its database drivers to dbt-drift's errors."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import click

from dbt_drift.errors import DbtDriftError, WarehouseDeniedError, WarehouseError, WarehouseLostError

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXTRAS = frozenset({"duckdb", "postgres"})
"""The adapters that an extra of dbt-drift installs."""


@contextlib.contextmanager
def dbt_errors(kind: type[DbtDriftError], *, place: str = "") -> Iterator[None]:
    """Convert exceptions of dbt, and of drivers called by it, to dbt-drift's errors.

    Args:
        kind: The error to raise.
        place: The location of the warehouse, shown if it cannot be reached.
    """
    try:
        yield
    except DbtDriftError:
        raise
    except click.ClickException as error:  # dbt's own flags raise this
        raise kind(error.format_message()) from error
    except Exception as error:
        from dbt_common.exceptions import DbtBaseException  # noqa: PLC0415 (see module)

        if not isinstance(error, DbtBaseException) and not _from_driver(error):
            raise
        words = str(error).strip()
        if kind is WarehouseError and _is_lost(error):
            raise WarehouseLostError(words, advice=place) from error
        if kind is WarehouseError and _is_denied(error):
            raise WarehouseDeniedError(words) from error
        raise kind(words, advice=place if _lets_nobody_in(words) else _of_adapter(words)) from error


def _is_lost(error: BaseException | None) -> bool:
    """Whether the connection is lost or could not be opened, according to dbt or to the driver.

    Postgres uses the codes 57P01 to 57P03 for a shutdown, a crash and an unfinished start, and no code for a broken
    connection (postgresql.org/docs/current/errcodes-appendix.html). Subclasses of these two PEP 249 errors, such as
    DuckDB's error about its file, have other causes.
    """
    while error is not None:
        name, code = type(error).__name__, getattr(error, "pgcode", None) or ""
        if code.startswith(("57P0", "08")):
            return True
        if name == "FailedToConnectError" or (name in {"OperationalError", "InterfaceError"} and not code):
            return not _lets_nobody_in(str(error))
        error = error.__cause__ or error.__context__
    return False


_FOR_GOOD = ("authentication failed", "does not exist", "pg_hba.conf", "permission denied", "not permitted to log in")
"""Parts of what Postgres says to a connection that it will not accept later either."""


def _lets_nobody_in(words: str) -> bool:
    """Whether Postgres answers, and refuses the connection for good: the password, the role or the database is wrong.

    The driver has no code for an error of a connection that does not come about.
    """
    return "FATAL:" in words and any(refusal in words for refusal in _FOR_GOOD)


def _from_driver(error: Exception) -> bool:
    """Whether a database driver raised it: PEP 249 names the base class of a driver's errors `Error`."""
    return any(base.__name__ == "Error" for base in type(error).__mro__)


def _is_denied(error: BaseException | None) -> bool:
    """Whether the role lacks a permission: Postgres' code is 42501, insufficient_privilege."""
    while error is not None:
        if getattr(error, "pgcode", None) == "42501":
            return True
        error = error.__cause__ or error.__context__
    return False


def _of_adapter(words: str) -> str:
    """Return how to install the adapter that dbt cannot find, or "" if none is missing."""
    missing = re.search(r"Could not find adapter type (\w+)", words)
    if missing is None:
        return ""
    package = f"dbt-{missing[1]}"
    ours = f"dbt-drift[{missing[1]}]" if missing[1] in _EXTRAS else package
    return (
        f"It has to be installed beside dbt-drift, in the same environment: `pip install '{ours}'`, or "
        f"`uv pip install '{ours}'`. Where dbt-drift was installed with pipx: `pipx inject dbt-drift {package}`; "
        f"with uv: `uv tool install dbt-drift --with {package}`, `uvx --with {package} dbt-drift`."
    )
