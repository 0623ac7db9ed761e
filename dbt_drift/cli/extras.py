"""Commands that need more than the base install."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def needing(extra: str) -> Iterator[None]:
    """Turn a missing package into the command that installs it.

    Raises:
        ConfigurationError: Something that the extra brings cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"This command needs the package {error.name}, which is not installed.",
            advice=f"Run: pip install 'dbt-drift[{extra}]'",
        ) from error
