"""Where Drift is, and the token that opens it: read from the environment, checked, and never shown."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIFT_URL = "https://driftapi.com"

HOW_TO_GET_ONE = (
    "Get one at dev.drift.com: your app > OAuth & Permissions > Install to Drift, with the scopes contact_read and "
    "contact_write; then set DRIFT_ACCESS_TOKEN to it."
)

_MASK = "***"


class AccessToken:
    """An access token that no log, traceback, error or pickle shows.

    Args:
        value: The token itself.

    Raises:
        ConfigurationError: The value cannot be a token. The message does not repeat it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not value or not all("!" <= letter <= "~" for letter in value):
            raise ConfigurationError(
                "The Drift access token is empty, or holds white space or letters that no token has.",
                advice="Set DRIFT_ACCESS_TOKEN to the token alone, without quotes and without the word Bearer.",
            )
        self._value = value

    def __repr__(self) -> str:
        return f"AccessToken({_MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An access token is not written to a file.")

    def reveal(self) -> str:
        """Return the token, for the one place that sends it."""
        return self._value

    def mask(self, text: str) -> str:
        """Return a text that came from outside with the token replaced, should it be quoted there."""
        return text.replace(self._value, _MASK)


def access_token(environment: Mapping[str, str]) -> AccessToken:
    """Read `DRIFT_ACCESS_TOKEN`.

    Raises:
        ConfigurationError: It is not set, or cannot be a token.
    """
    value = environment.get("DRIFT_ACCESS_TOKEN", "").strip()
    if not value:
        raise ConfigurationError("DRIFT_ACCESS_TOKEN is not set.", advice=HOW_TO_GET_ONE)
    return AccessToken(value)


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
