"""The user's options for one run."""

from __future__ import annotations

import msgspec

from dbt_drift.delivery.saved_plan import SavedPlan


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `dbt-drift sync`.

    Attributes:
        workers: The largest number of requests at once; None for enough to use the quota at a latency of two seconds.
        wait: How many seconds to wait for another run to release the ledger's lock.
        full_refresh: Whether to send everything again, changed or not.
        retry: Whether to send the rows again that earlier runs gave up.
        retry_reason: With `retry`, only the rows with this reason; None for all.
        max_failures: The number of rows that may fail before a sync stops; None for the settings.
        max_removals: The number of tags and values that a sync may take away, however much the model shrank; None for
            the guards.
        limit: The largest number of contacts that a sync sends; None for all.
        plan: The approved plan, which is all that may be sent; None for whatever differs.
        repin: The id of the Drift organisation that the ledger describes from now on; None to change nothing.
        named: The keys or e-mail addresses of the only contacts to sync; none for all.
        invocation_id: The id of the run in the ledger, the results and the log; None for a new one.
    """

    workers: int | None = None
    wait: float = 0.0
    full_refresh: bool = False
    retry: bool = False
    retry_reason: str | None = None
    max_failures: int | None = None
    max_removals: float | None = None
    limit: int | None = None
    plan: SavedPlan | None = None
    repin: str | None = None
    named: tuple[str, ...] = ()
    invocation_id: str | None = None
