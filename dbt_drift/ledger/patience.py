"""Repeats work while the warehouse is away, if the work can be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import backoff

from dbt_drift.errors import WarehouseLostError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

AWAY_SECONDS = 300.0
"""How long to repeat work: a restart takes seconds, a failover a minute or two."""

_LONGEST_DELAY = 10.0


class Patience:
    """Repeats work while the warehouse is away.

    After it has waited too long once, it repeats nothing more: the run has to end.

    Args:
        tell: Gets a notice each time that the warehouse goes away.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._over = False
        self._repeating = False

    def repeat(self, work: Callable[[], T]) -> T:
        """Do a piece of work that can be done twice.

        Raises:
            WarehouseLostError: The warehouse stays away.
        """
        if self._over or self._repeating:  # the work around this one is repeated
            return work()
        trying: Callable[..., Any] = backoff.on_exception(
            backoff.expo,
            WarehouseLostError,
            max_time=lambda: AWAY_SECONDS,
            max_value=_LONGEST_DELAY,
            on_backoff=self._say,
            logger=None,
        )
        self._repeating = True
        try:
            done: T = trying(work)()
        except WarehouseLostError:
            self._over = True
            raise
        finally:
            self._repeating = False
        return done

    def _say(self, details: Any) -> None:
        if details["tries"] == 1:
            self._tell(f"The warehouse is away, trying again for {AWAY_SECONDS:.0f} seconds: {details['exception']}")
