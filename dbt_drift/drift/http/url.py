"""Drift's base URL."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

DRIFT_URL = "https://driftapi.com"


def drift_url(environment: Mapping[str, str]) -> str:
    """Read `DRIFT_API_URL`, with Drift's own URL as the default.

    Returns:
        The URL without a trailing slash.

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
        # Do not quote the URL: the invalid part may be a password.
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
    """Whether a URL points to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
