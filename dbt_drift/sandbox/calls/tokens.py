"""The tokens that the sandbox knows, and their organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from dbt_drift.sandbox.calls.answers import RefusedError
from dbt_drift.sandbox.calls.store import OrganisationId, now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt_drift.sandbox.behaviour import Behaviour

SCOPES = (
    "contact_read",
    "contact_write",
    "all_contact_read",
    "conversation_read",
    "conversation_write",
    "user_read",
    "user_write",
)
"""The scopes of a token that declares none."""

_BAD_TOKEN = "The access token is invalid or has expired"  # noqa: S105 - Drift's own sentence, no token


_LONGEST_S = 10**10
_Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A known token.

    Attributes:
        token: The token itself.
        organisation: The id of its organisation; None for the default one.
        scopes: Its scopes.
        expires_at: Epoch milliseconds; None for a token that does not expire.
        expires_in_s: The expiry in seconds after its declaration, for use in a file.
        created_at: Epoch milliseconds.
    """

    token: str
    organisation: OrganisationId | None = None
    scopes: tuple[str, ...] = SCOPES
    expires_at: _Moment | None = None
    expires_in_s: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_S)] | None = None
    created_at: _Moment = msgspec.field(default_factory=now_ms)

    def __repr__(self) -> str:
        return f"Token(organisation={self.organisation}, scopes={self.scopes}, expires_at={self.expires_at})"


class Tokens:
    """The known tokens. They are kept in memory only: a token is never written to the data file."""

    def __init__(self, default_organisation: int) -> None:
        self._default = default_organisation
        self._undeclared = Token("", default_organisation)
        self._declared: dict[str, Token] = {}
        self._granted: dict[str, Token] = {}
        self._revoked: set[str] = set()

    def declare(self, tokens: Iterable[Token]) -> None:
        """Replace the declared tokens, and forget all revocations."""
        self._revoked.clear()
        self._declared = {token.token: self._whole(token) for token in tokens}

    def grant(self, token: Token) -> Token:
        """Add a token granted by a sign-in; returns it with its organisation and expiry."""
        whole = self._granted[token.token] = self._whole(token)
        return whole

    def drop_granted(self) -> None:
        """Forget all tokens except the declared ones."""
        self._granted.clear()

    def revoke(self, token: str) -> None:
        """Refuse a token from now on, even a declared one."""
        self._revoked.add(token)

    def look_up(self, token: str, behaviour: Behaviour) -> Token | None:
        """Return a token's entry, or None if it is unknown or has expired."""
        if token in self._revoked:
            return None
        found = self._declared.get(token) or self._granted.get(token)
        if found is None:
            return self._undeclared if token and behaviour.undeclared_tokens == "accept" else None
        return None if found.expires_at is not None and found.expires_at <= now_ms() else found

    def authorize(self, authorization: str, behaviour: Behaviour) -> Token:
        """Return the token of an `Authorization` header. As with Drift, the case of the scheme does not matter.

        Raises:
            RefusedError: The token is missing, unknown or expired: 401 or 403.
        """
        scheme, _, token = authorization.partition(" ")
        found = self.look_up(token.strip(), behaviour) if scheme.lower() == "bearer" else None
        if found is None:
            raise RefusedError(behaviour.bad_token_status, _BAD_TOKEN)
        return found

    def _whole(self, token: Token) -> Token:
        home = self._default if token.organisation is None else token.organisation
        ends = token.expires_at
        if token.expires_in_s is not None:
            ends = now_ms() + int(token.expires_in_s * 1000)
        return msgspec.structs.replace(token, organisation=home, expires_at=ends)


def require_scope(token: Token, scope: str, behaviour: Behaviour) -> None:
    """Refuse a token that lacks a scope; "" requires none.

    Raises:
        RefusedError: The token lacks the scope: 403, or 401.
    """
    if scope and scope not in token.scopes:
        raise RefusedError(behaviour.missing_scope_status, f"The access token lacks the scope {scope}.")
