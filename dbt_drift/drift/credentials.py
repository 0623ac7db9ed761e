"""Where Drift is, and the token that opens it: found, checked, and never shown."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NoReturn, Protocol
from urllib.parse import urlsplit

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DRIFT_URL = "https://driftapi.com"

HOW_TO_GET_ONE = (
    "Get one at dev.drift.com: your app > OAuth & Permissions > Install to Drift, with the scopes contact_read and "
    "contact_write; then set DRIFT_ACCESS_TOKEN to it. Or sign in with `dbt-drift auth login`."
)

MASK = "***"

_SHORTEST_SECRET = 12
"""Letters. What is shorter can be guessed, and can be a word of the text that quotes it."""


class Credential(Protocol):
    """What opens Drift: a token, or a sign-in that gets new ones."""

    source: str
    """Where it came from, for people."""

    advice: str
    """What to do when Drift refuses it."""

    def current(self) -> AccessToken:
        """Return the token to send next."""

    def works(self, token: AccessToken) -> None:
        """Learn that Drift took a token."""

    def renew(self, refused: AccessToken, status: int) -> bool:
        """Try to get another in the place of a refused token; returns whether the request is worth another try."""

    def mask(self, text: str) -> str:
        """Return a text that came from outside without any secret, should one be quoted there."""


class AccessToken:
    """An access token that no log, traceback, error or pickle shows. By itself it is a credential that nothing renews.

    Args:
        value: The token itself.

    Attributes:
        source: Where it came from, for people.
        advice: What to do when Drift refuses it.

    Raises:
        ConfigurationError: The value cannot be a token. The message does not repeat it.
    """

    __slots__ = ("_value", "advice", "source")

    def __init__(self, value: str) -> None:
        if not value or not all("!" <= letter <= "~" for letter in value):
            raise ConfigurationError(
                "The Drift access token is empty, or holds white space or letters that no token has.",
                advice="Set DRIFT_ACCESS_TOKEN to the token alone, without quotes and without the word Bearer.",
            )
        self._value = value
        self.source = "DRIFT_ACCESS_TOKEN"
        self.advice = HOW_TO_GET_ONE

    def __repr__(self) -> str:
        return f"AccessToken({MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An access token is not written to a file.")

    def reveal(self) -> str:
        """Return the token, for the one place that sends it."""
        return self._value

    def current(self) -> AccessToken:
        """Return the token itself."""
        return self

    def works(self, token: AccessToken) -> None:
        """Do nothing: it either works or does not."""

    def renew(self, refused: AccessToken, status: int) -> bool:  # noqa: ARG002 - as a sign-in has it
        """Do nothing: a token that was refused stays so."""
        return False

    def mask(self, text: str) -> str:
        """Return a text that came from outside with the token replaced, should it be quoted there."""
        return without([self._value], text)


def without(secrets: Iterable[str], text: str) -> str:
    """Return a text with these secrets masked, but for what is too short for one: such as the token `sandbox`.

    >>> without(["sandbox", "dr1ft-t0ken-4711"], "The sandbox refuses dr1ft-t0ken-4711.")
    'The sandbox refuses ***.'
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text


def credential(environment: Mapping[str, str]) -> Credential:
    """Return what opens Drift: `DRIFT_ACCESS_TOKEN`, else a sign-in.

    Args:
        environment: May hold the token, the parts of a sign-in, and where one is kept.

    Raises:
        ConfigurationError: There is none, or it cannot be used.
    """
    if (found := find_credential(environment)) is None:
        raise ConfigurationError("DRIFT_ACCESS_TOKEN is not set, and nobody is signed in.", advice=HOW_TO_GET_ONE)
    return found


def find_credential(environment: Mapping[str, str]) -> Credential | None:
    """Return the same, or None where there is none.

    Raises:
        ConfigurationError: It cannot be used.
    """
    value = environment.get("DRIFT_ACCESS_TOKEN", "").strip()
    if value:
        return AccessToken(value)
    from dbt_drift.drift.sign_in import sign_in_from  # noqa: PLC0415 - a token needs none of it

    return sign_in_from(environment)


def drift_url(environment: Mapping[str, str]) -> str:
    """Read `DRIFT_API_URL`, Drift itself where it is not set.

    Returns:
        The URL without a slash at its end.

    Raises:
        ConfigurationError: The URL cannot be used, or would send the token unencrypted to another machine.
    """
    url = environment.get("DRIFT_API_URL", "").strip().rstrip("/") or DRIFT_URL
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        # The URL is not repeated: what makes it unusable may be a password.
        raise ConfigurationError(
            "DRIFT_API_URL is not a plain URL.",
            advice=f"Leave it unset for {DRIFT_URL}, or give scheme, host, port and path only: http://127.0.0.1:8484",
        )
    if parts.scheme != "https" and not is_loopback(url):
        raise ConfigurationError(
            f"DRIFT_API_URL points at {parts.hostname} without https: the access token would travel unencrypted.",
            advice="Use https, or a sandbox on this machine (http://127.0.0.1 or http://localhost).",
        )
    return url


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
