"""A sign-in that renews its token before it expires and when Drift refuses it, once for all threads."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from typing import TYPE_CHECKING, NoReturn

from msgspec import structs

from dbt_drift.drift.auth.oauth import App, RefusedGrantError, refresh
from dbt_drift.drift.auth.token_store import Kept, MemoryStore, token_store
from dbt_drift.drift.http.credentials import AccessToken, without
from dbt_drift.drift.http.url import drift_url
from dbt_drift.errors import ConfigurationError, DriftUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.auth.oauth import Grant
    from dbt_drift.drift.auth.token_store import TokenStore

AHEAD_SECONDS = 300.0
"""Seconds before expiry at which a token is renewed, or a tenth of its lifetime if that is shorter."""

_AGAIN_SECONDS = 20.0
"""Seconds until an early renewal that failed is tried again. The current token is still valid."""

_log = logging.getLogger(__name__)
_FORBIDDEN = 403
_AGAIN = "Sign in again with `dbt-drift auth login`. What Drift has accepted is kept: the next run goes on from there."


class SignIn:
    """A stored sign-in, used as the credential of `DriftClient`. Safe for many threads and several processes.

    Args:
        url: Drift's base URL.
        key: The key of the sign-in in the store.
        kept: The sign-in as it was read.
        store: The store that keeps it.
        stored: Whether the store already holds it.

    Attributes:
        source: Where the sign-in came from, to show to users.
        advice: What users should do when Drift refuses it.
    """

    def __init__(self, url: str, key: str, kept: Kept, store: TokenStore, *, stored: bool) -> None:
        self._url = url
        self._key = key
        self._store = store
        self._stored = stored
        self._lock = threading.Lock()
        self._secrets = frozenset({kept.client_secret})
        self._unkept = False
        self._renewed_when_forbidden = False
        self._not_before = 0.0
        self._dead: RefusedGrantError | None = None
        self._adopt(kept)
        self.source = store.place
        self.advice = _AGAIN

    def __repr__(self) -> str:
        return f"SignIn({self._key})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A sign-in is written to its store alone.")

    def current(self) -> AccessToken:
        """Return the current token, and renew it first if it expires soon.

        Raises:
            DriftUnavailableError: The token has expired and Drift does not issue another.
            ConfigurationError: The store cannot be used.
        """
        if self._ends_soon() or self._to_keep():
            with self._lock:
                if self._to_keep():
                    self._keep()
                if self._ends_soon():
                    self._renew_ahead()
        return self._token

    def confirm(self, token: AccessToken) -> None:
        """Record that Drift accepted a token."""
        if token is self._token:
            self._worked = True

    def renew(self, refused: AccessToken, status: int) -> bool:
        """Replace a token that Drift refused, unless another thread or process has already replaced it.

        Args:
            refused: The token that was sent.
            status: Drift's status: 401 or 403. A 403 may also mean that a scope is missing. A new token does not help
                then, so it is tried only once.

        Returns:
            Whether to send the request again.

        Raises:
            DriftUnavailableError: Drift does not issue another token.
            ConfigurationError: The store cannot be used.
        """
        with self._lock:
            if refused is not self._token:
                return True
            if self._renewed and not self._worked:
                return False
            if status == _FORBIDDEN:
                if self._renewed_when_forbidden:
                    return False
                self._renewed_when_forbidden = True
            self._renew()
            return True

    def mask(self, text: str) -> str:
        """Return an external text with every secret that this sign-in has used masked."""
        return without(self._secrets, text)

    # Callers of everything below hold the lock.

    def _ends_soon(self) -> bool:
        kept = self._kept
        if kept.expires_at is None:
            return False
        now = time.time()
        ahead = min(AHEAD_SECONDS, (kept.expires_at - kept.obtained_at) / 10)
        return now >= kept.expires_at - ahead and now >= self._not_before

    def _to_keep(self) -> bool:
        return self._unkept and time.time() >= self._not_before

    def _renew_ahead(self) -> None:
        try:
            self._renew()
        except RefusedGrantError:
            raise
        except DriftUnavailableError:
            if self._kept.expires_at is None or time.time() >= self._kept.expires_at:
                raise
            self._not_before = time.time() + _AGAIN_SECONDS

    def _renew(self) -> None:
        if self._dead is not None:
            raise self._dead
        with self._store.locked():
            # A sign-in that could not be stored is newer than the stored one.
            newest = self._kept if self._unkept else self._store.read(self._key)
            if newest is None and self._stored:
                raise RefusedGrantError("The sign-in was given up while it was in use (auth logout).", advice=_AGAIN)
            newest = newest or self._kept
            if newest.access_token != self._kept.access_token and not _over(newest):
                # Another process has already renewed it.
                self._adopt(newest)
                return
            try:
                grant = refresh(self._url, App(newest.client_id, newest.client_secret), newest.refresh_token)
            except RefusedGrantError as refused:
                self._dead = RefusedGrantError(self.mask(str(refused)), advice=self.advice)
                raise self._dead from None
            self._adopt(kept_from(grant, newest))
            self._renewed = True
            self._write()

    def _keep(self) -> None:
        with self._store.locked():
            self._write()

    def _write(self) -> None:
        """Store the current sign-in. The previous one may be invalid, so the run continues even if the store fails."""
        try:
            self._store.write(self._key, self._kept)
        except ConfigurationError as error:
            if not self._unkept:
                _log.warning("The renewed sign-in is not kept yet, and is tried to be kept again: %s", error)
            self._unkept = True
            self._not_before = time.time() + _AGAIN_SECONDS
        else:
            self._stored = True
            self._unkept = False

    def _adopt(self, kept: Kept) -> None:
        self._kept = kept
        # Build a new set, because other threads may be reading the old one.
        self._secrets = self._secrets | {secret for secret in (kept.access_token, kept.refresh_token) if secret}
        self._token = AccessToken(kept.access_token) if kept.access_token else _NOTHING_YET
        self._worked = False
        self._renewed = False


_NOTHING_YET = AccessToken("none")
"""Stands in for the access token while only the refresh token is known. It counts as expired and is never sent."""


def kept_from(grant: Grant, before: Kept) -> Kept:
    """Return the sign-in to store for a grant. Values that the grant lacks keep their previous value."""
    now = time.time()
    return structs.replace(
        before,
        access_token=grant.access_token,
        refresh_token=grant.refresh_token or before.refresh_token,
        obtained_at=now,
        expires_at=now + grant.expires_in if grant.expires_in else None,
        organisation=grant.organisation if grant.organisation is not None else before.organisation,
    )


def sign_in_from(environment: Mapping[str, str]) -> SignIn | None:
    """Return the sign-in from the environment, else the stored one for this Drift URL, else None.

    Raises:
        ConfigurationError: The environment holds only part of a sign-in, or the store cannot be used.
    """
    url = drift_url(environment)
    store = token_store(environment)
    names = ("DRIFT_CLIENT_ID", "DRIFT_CLIENT_SECRET", "DRIFT_REFRESH_TOKEN")
    client_id, client_secret, refresh_token = (environment.get(name, "").strip() for name in names)
    if not refresh_token:
        kept = store.read(url)
        return None if kept is None else SignIn(url, url, kept, store, stored=True)
    if not (client_id and client_secret):
        raise ConfigurationError("DRIFT_REFRESH_TOKEN needs DRIFT_CLIENT_ID and DRIFT_CLIENT_SECRET beside it.")
    # The key is the first token, because the environment keeps that one after it has been replaced.
    began = hashlib.sha256(f"{client_id} {refresh_token}".encode()).hexdigest()[:16]
    key = f"{url} environment {began}"
    try:
        with store.locked():
            kept = store.read(key)
    except ConfigurationError:
        # A machine that exists for one run may have no place to store anything.
        store, kept = MemoryStore(), None
    stored = kept is not None
    kept = kept or Kept(client_id, client_secret, "", refresh_token, obtained_at=0.0, expires_at=0.0)
    return SignIn(url, key, structs.replace(kept, client_secret=client_secret), store, stored=stored)


def _over(kept: Kept) -> bool:
    return kept.expires_at is not None and time.time() >= kept.expires_at
