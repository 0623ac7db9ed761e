"""The errors that end a command, grouped by what the user does next.

::

    DbtDriftError
    ├── ConfigurationError       mend the project, the profile or the environment      exit code 2
    │   └── DeclarationError     mend the ``meta.drift`` of the models it names         exit code 2
    ├── WarehouseError           look at the warehouse, then run again                  exit code 2
    │   └── WarehouseLostError   run again in a while                                   exit code 4
    ├── LockedError              wait for the other run, or release its lock            exit code 3
    ├── StoppedError             look at the rows that failed, then run again           exit code 1
    │   └── InterruptedRunError  run again: it goes on where this run stopped           exit code 1
    ├── DbtCloudAwayError        run again in a while                                   exit code 4
    └── DriftUnavailableError    look at Drift or at the token, then run again          exit code 2
        ├── DriftRefusedError    give the token its scope, or look at DRIFT_API_URL     exit code 2
        └── DriftAwayError       run again in a while                                   exit code 4

What goes wrong with one contact is no exception but an outcome of that contact: it costs one row, not the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator


class DbtDriftError(Exception):
    """An error that dbt-drift expects: it is shown as its message, without a traceback.

    Attributes:
        advice: What the user can do about it, one sentence, or "" where the message already says it.
        kind: Which of the errors it is, for programs that read the log.
        exit_code: The exit code of a command that it ends.
        is_retryable: Whether the same command may succeed later, with nothing mended.
    """

    kind: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2
    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n  {self.advice}" if self.advice else message


class ConfigurationError(DbtDriftError):
    """The project, the profile, a flag or an environment variable is missing or wrong."""

    kind = "configuration"


class DeclarationError(ConfigurationError):
    """One or more ``meta.drift`` declarations are wrong; the message names them all."""

    kind = "declaration"


class WarehouseError(DbtDriftError):
    """The warehouse refused a statement, or could not be reached."""

    kind = "warehouse"


class WarehouseLostError(WarehouseError):
    """The warehouse does not answer, or has broken off the connection: the same may work in a while."""

    kind = "warehouse_lost"
    exit_code = 4
    is_retryable = True


class WarehouseDeniedError(WarehouseError):
    """The role of the profile may not do it."""


class LockedError(DbtDriftError):
    """Another run holds the ledger's lock, or has taken it from this one."""

    kind = "locked"
    exit_code = 3
    is_retryable = True


class DbtCloudAwayError(DbtDriftError):
    """dbt Cloud does not answer, or its run has not ended: the same may work in a while."""

    kind = "dbt_cloud_away"
    exit_code = 4
    is_retryable = True


class DriftUnavailableError(DbtDriftError):
    """Drift refuses every request (token, scope) or cannot be reached at all."""

    kind = "drift_unavailable"


class DriftRefusedError(DriftUnavailableError):
    """Drift answers, and refuses this one request: the token lacks a scope, or there is no such call."""


class DriftAwayError(DriftUnavailableError):
    """Drift does not answer, after all tries: the same may work in a while."""

    kind = "drift_away"
    exit_code = 4
    is_retryable = True


class StoppedError(DbtDriftError):
    """A run was ended in order before its end: by a signal, or because too many rows failed."""

    kind = "stopped"


class InterruptedRunError(StoppedError):
    """A signal, or who called from Python, ended a run in order."""

    kind = "interrupted"
    is_retryable = True


def cause_of(error: BaseException) -> str:
    """Return a code for what broke a run off, which names no data: an error's kind, `internal` or `interrupted`."""
    if isinstance(error, DbtDriftError):
        return error.kind
    return "internal" if isinstance(error, Exception) else "interrupted"


def exit_code_of(kind: str) -> int:
    """Return the exit code of a command that an error of this kind ends."""
    return next((one.exit_code for one in _all_errors(DbtDriftError) if one.kind == kind), 2)


def is_retryable(kind: str) -> bool:
    """Return whether the same command may succeed later after an error of this kind, with nothing mended."""
    return any(one.is_retryable for one in _all_errors(DbtDriftError) if one.kind == kind)


def _all_errors(error: type[DbtDriftError]) -> Iterator[type[DbtDriftError]]:
    yield error
    for one in error.__subclasses__():
        yield from _all_errors(one)


def internal_error(error: BaseException) -> str:
    """Return what to say of an error that nobody expects; its own words may hold a contact's data, and stay out."""
    return f"Internal error: {type(error).__name__}. Please report it, with the traceback that is on stderr."
