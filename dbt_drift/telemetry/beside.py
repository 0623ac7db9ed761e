"""Puts a reporter of telemetry beside the one of a run, and keeps whatever goes wrong with that away from the run."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from dbt_drift.delivery.reporter import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager


class RunReporter(Reporter, Protocol):
    """A reporter with work at the end of a run."""

    def run(self) -> AbstractContextManager[None]:
        """Enclose the run."""
        ...


@contextlib.contextmanager
def beside(
    reporter: Reporter, make: Callable[[], RunReporter], *, packages: Sequence[str], missing: str, refused: str
) -> Iterator[Reporter]:
    """Give the reporter for the run in the block: what `make` returns, or this one and a notice why.

    Args:
        reporter: The reporter of the run.
        make: Imports the packages, and returns a reporter that passes on to this one.
        packages: What has to be installed.
        missing: What to say if it is not.
        refused: What to say if `make` fails; the name of the error follows, because its text may quote a secret.
    """
    if not _are_installed(packages):
        reporter.noticed(missing)
        yield reporter
        return
    try:
        made = make()
    except Exception as error:  # noqa: BLE001 - such as a malformed variable
        reporter.noticed(f"{refused} ({type(error).__name__}).")
        yield reporter
        return
    with made.run():
        yield made


def _are_installed(packages: Sequence[str]) -> bool:
    try:
        return all(find_spec(name) for name in packages)
    except ModuleNotFoundError:
        return False
