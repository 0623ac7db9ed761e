"""The OAuth scopes that a sync needs, compared with those of the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dbt_drift.drift.http.endpoints import READ, READ_ATTRIBUTES, WRITE

if TYPE_CHECKING:
    from dbt_drift.drift.http.endpoints import TokenInfo


class Scope(msgspec.Struct, frozen=True):
    """A scope that a sync uses.

    Attributes:
        name: Drift's name for the scope.
        purpose: What a sync uses it for.
        is_required: Whether a sync cannot run without it.
    """

    name: str
    purpose: str
    is_required: bool = True


USED = (
    Scope(READ, "a sync looks contacts up"),
    Scope(WRITE, "a sync writes contacts and their tags"),
    Scope(
        READ_ATTRIBUTES,
        "the mapping is compared with Drift's attributes, and values sent in their types",
        is_required=False,
    ),
)


def missing_scopes(info: TokenInfo) -> list[Scope]:
    """Return the scopes that a sync uses and the token lacks; empty if Drift does not list the token's scopes."""
    granted = info.scope.split()
    return [scope for scope in USED if scope.name not in granted] if granted else []
