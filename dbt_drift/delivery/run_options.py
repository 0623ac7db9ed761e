"""What the user asks of one run, beside what the project says."""

from __future__ import annotations

import msgspec


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `dbt-drift sync`.

    Attributes:
        workers: The most requests under way at once; None for enough to use the quota at a latency of two seconds.
        wait: How many seconds to wait for another run to release the ledger's lock.
        full_refresh: Whether everything is sent again, changed or not.
        retry: Send rows that were given up in earlier runs once more.
        retry_reason: Of these, only the ones with this reason.
        max_failures: So many rows may fail before a sync stops; None for what the settings say.
        max_removals: So many tags and values may be taken away, and models may shrink; None for what guards say.
        limit: The most contacts that a sync sends; None for all.
        invocation_id: What the run is called in the ledger, the results and the log; None for a name of its own.
    """

    workers: int | None = None
    wait: float = 0.0
    full_refresh: bool = False
    retry: bool = False
    retry_reason: str | None = None
    max_failures: int | None = None
    max_removals: float | None = None
    limit: int | None = None
    invocation_id: str | None = None
