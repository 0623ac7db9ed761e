"""A sign-in that renews itself: ahead of its end, and when Drift refuses it, once for all who use it."""

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
"""So long before its end a token is renewed, or a tenth of its life where that is shorter."""

_AGAIN_SECONDS = 20.0
"""When a renewal ahead of time that failed is tried again: the token at hand is still good."""

_log = logging.getLogger(__name__)
_FORBIDDEN = 403
_AGAIN = "Sign in again with `dbt-drift auth login`. What Drift has accepted is kept: the next run goes on from there."


class SignIn:
    """A credential for `DriftClient`, kept in a store. Safe to use from many threads, beside other processes.

    Args:
        url: Where Drift is.
        key: What the store knows it by.
        kept: The sign-in as it was found.
        store: Where it is kept.
        stored: Whether it is there already.

    Attributes:
        source: Where it came from, for people.
        advice: What to do when Drift refuses it.
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
        """Return the token to use, renewed if its end is near.

        Raises:
            DriftUnavailableError: It has ended, and Drift does not give another.
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
        """Learn that Drift took a token."""
        if token is self._token:
            self._worked = True

    def renew(self, refused: AccessToken, status: int) -> bool:
        """Get another token in the place of one that Drift refused, unless somebody has done so meanwhile.

        Args:
            refused: The token that was sent.
            status: Drift's answer to it: 401, or 403, which may also mean that a scope is missing. Then no new token
                helps, so that is tried once only.

        Returns:
            Whether the request is worth another try.

        Raises:
            DriftUnavailableError: Drift does not give another.
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
        """Return a text that came from outside without any secret that this sign-in has had."""
        return without(self._secrets, text)

    # All below is called with the lock held.

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
            # What could not be kept is newer than what is.
            newest = self._kept if self._unkept else self._store.read(self._key)
            if newest is None and self._stored:
                raise RefusedGrantError("The sign-in was given up while it was in use (auth logout).", advice=_AGAIN)
            newest = newest or self._kept
            if newest.access_token != self._kept.access_token and not _over(newest):
                # Another process was faster.
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
        """Keep the sign-in in use. The one before is used up: where the store fails, this run goes on with it."""
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
        # A new set: other threads may be reading the one before.
        self._secrets = self._secrets | {secret for secret in (kept.access_token, kept.refresh_token) if secret}
        self._token = AccessToken(kept.access_token) if kept.access_token else _NOTHING_YET
        self._worked = False
        self._renewed = False


_NOTHING_YET = AccessToken("none")
"""In the place of the access token while only the refresh token is known: its end is past, so it is never sent."""


def kept_from(grant: Grant, before: Kept) -> Kept:
    """Return what to keep of a grant; what it does not say stays as it was."""
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
    """Return the sign-in of the environment, else the one that is kept for this Drift, else None.

    Raises:
        ConfigurationError: The environment has a part of it only, or the store cannot be used.
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
    # Under the token that it began with: the environment goes on having that one when it is used up.
    began = hashlib.sha256(f"{client_id} {refresh_token}".encode()).hexdigest()[:16]
    key = f"{url} environment {began}"
    try:
        with store.locked():
            kept = store.read(key)
    except ConfigurationError:
        # A machine that lives for one run may have nowhere to keep anything.
        store, kept = MemoryStore(), None
    stored = kept is not None
    kept = kept or Kept(client_id, client_secret, "", refresh_token, obtained_at=0.0, expires_at=0.0)
    return SignIn(url, key, structs.replace(kept, client_secret=client_secret), store, stored=stored)


def _over(kept: Kept) -> bool:
    return kept.expires_at is not None and time.time() >= kept.expires_at
