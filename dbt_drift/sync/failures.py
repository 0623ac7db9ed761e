"""When a sync stops because too many of its rows do not get through: then the trouble is not the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.errors import StoppedError
from dbt_drift.sync.words import counted

if TYPE_CHECKING:
    from collections import Counter

    from dbt_drift.sync.settings import Failures

SHARE_COUNTS_FROM = 100
"""Contacts that must have their outcome before their share says anything."""


def check_failures(limit: Failures, done: int, reasons: Counter[str]) -> None:
    """Hold what has failed against the limit.

    Args:
        limit: How much may fail.
        done: Contacts that have their outcome.
        reasons: How many of these failed, by reason.

    Raises:
        StoppedError: More failed than may.
    """
    failed = sum(reasons.values())
    if failed <= limit.most and (done < SHARE_COUNTS_FROM or failed <= limit.share * done):
        return
    reason, _ = reasons.most_common(1)[0]
    raise StoppedError(
        f"Stopped: {failed:,} of {counted(done, 'contact')} did not get through, most often with {reason}.",
        advice="Look into the table of rejected rows. Once the cause is mended, `dbt-drift retry` sends them again; "
        "--max-failures allows more.",
    )
