"""The apps that may sign users in, and their grants: codes and refresh tokens, each for a single use.

That refresh tokens are for a single use, and how long a code is valid, are assumptions.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.sandbox.calls.answers import RefusedError
from dbt_drift.sandbox.calls.store import OrganisationId, now_ms
from dbt_drift.sandbox.calls.tokens import SCOPES

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODE_MS = 600_000
_BAD_GRANT = "The code or the refresh token is invalid or has expired"


class App(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app that may sign users in.

    Attributes:
        client_id: The app's id.
        client_secret: The app's secret.
        organisation: The id of its users' organisation; None for the default one.
        scopes: The scopes of its tokens.
    """

    client_id: str
    client_secret: str
    organisation: OrganisationId | None = None
    scopes: tuple[str, ...] = SCOPES

    def __repr__(self) -> str:
        return f"App(client_id={self.client_id!r}, organisation={self.organisation}, scopes={self.scopes})"


class _Code(msgspec.Struct, frozen=True):
    client_id: str
    redirect_uri: str
    challenge: str
    ends_at: int


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class Grants:
    """The apps and their grants. They are kept in memory only."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}
        self._codes: dict[str, _Code] = {}
        self._refresh_tokens: dict[str, str] = {}

    def declare(self, apps: Iterable[App]) -> None:
        """Replace the declared apps and delete all grants. Without apps, every app is accepted."""
        self._apps = {app.client_id: app for app in apps}
        self._codes.clear()
        self._refresh_tokens.clear()

    def knows(self, client_id: str) -> bool:
        """Return whether the app exists."""
        return bool(client_id) and (not self._apps or client_id in self._apps)

    def app(self, client_id: str, client_secret: str) -> App:
        """Return the app with these credentials.

        Raises:
            RefusedError: There is no such app: 401.
        """
        app = self._apps.get(client_id)
        if app is None and self._apps:
            raise RefusedError(401, "The client id or the client secret is wrong.")
        if app is None:
            app = App(client_id, client_secret)
        if not client_secret or not hmac.compare_digest(app.client_secret.encode(), client_secret.encode()):
            raise RefusedError(401, "The client id or the client secret is wrong.")
        return app

    def code(self, client_id: str, redirect_uri: str, challenge: str = "") -> str:
        """Return a new code for an app. With a challenge (RFC 7636, S256), redeeming it needs the verifier."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(client_id, redirect_uri, challenge, now_ms() + _CODE_MS)
        return code

    def redeem(self, code: str, app: App, redirect_uri: str, verifier: str = "") -> None:
        """Redeem a code, which invalidates it.

        Raises:
            RefusedError: It is unknown, used, too old, or another app's: 400.
        """
        found = self._codes.pop(code, None)
        right = found is not None and found.client_id == app.client_id and found.ends_at > now_ms()
        if not right or (redirect_uri and found is not None and redirect_uri != found.redirect_uri):
            raise RefusedError(400, _BAD_GRANT)
        if found is not None and found.challenge and found.challenge != _challenge(verifier):
            raise RefusedError(400, "The code_verifier is not that of the code_challenge.")

    def refresh_token(self, app: App) -> str:
        """Return a new refresh token for an app."""
        token = secrets.token_urlsafe(24)
        self._refresh_tokens[token] = app.client_id
        return token

    def refresh(self, token: str, app: App, *, rotate: bool) -> str:
        """Return the next refresh token.

        Raises:
            RefusedError: The token is unknown, used, or another app's: 400.
        """
        if self._refresh_tokens.get(token) != app.client_id:
            raise RefusedError(400, _BAD_GRANT)
        if not rotate:
            return token
        del self._refresh_tokens[token]
        return self.refresh_token(app)

    def revoke(self, token: str) -> None:
        """Invalidate a refresh token."""
        self._refresh_tokens.pop(token, None)
