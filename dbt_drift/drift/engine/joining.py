"""Joins look-ups of several contacts into one request, and splits its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.drift.http.endpoints import find_by_external_ids, shared_out
from dbt_drift.drift.http.retry_policy import Verdict

if TYPE_CHECKING:
    from dbt_drift.drift.http.exchange import Attempt
    from dbt_drift.drift.http.messages import Request


def in_one(requests: list[Request]) -> Request:
    """Return one request that joins all of these; a single request is returned unchanged."""
    return requests[0] if len(requests) == 1 else find_by_external_ids(_external_ids(requests))


def share_out(attempt: Attempt, requests: list[Request]) -> list[Attempt] | None:
    """Return the result of each joined request, or None if each must be sent alone.

    This is so if Drift refuses the joint request, because contacts may be missing or there may be too many of them, and
    if the answer contains contacts that were not requested.
    """
    if attempt.response is None or attempt.verdict is not Verdict.ANSWERED:
        return [attempt] * len(requests)
    if not attempt.response.good:
        return None
    parts = shared_out(attempt.response.data, _external_ids(requests))
    if parts is None:
        return None
    return [structs.replace(attempt, response=structs.replace(attempt.response, data=part)) for part in parts]


def _external_ids(requests: list[Request]) -> list[str]:
    return [request.joint for request in requests if request.joint is not None]
