"""The channels that the environment names."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from dbt_drift.alerts.slack import SlackBot, SlackWebhook
from dbt_drift.alerts.teams import Teams
from dbt_drift.alerts.webhook import Webhook
from dbt_drift.drift.http.url import is_loopback
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dbt_drift.alerts.incident import Message
    from dbt_drift.alerts.post import Post

VARIABLES = (
    "DRIFT_ALERTS_SLACK_WEBHOOK",
    "DRIFT_ALERTS_SLACK_TOKEN",
    "DRIFT_ALERTS_SLACK_CHANNEL",
    "DRIFT_ALERTS_SLACK_API",
    "DRIFT_ALERTS_TEAMS_WEBHOOK",
    "DRIFT_ALERTS_WEBHOOK",
    "DRIFT_ALERTS_WEBHOOK_SECRET",
)

_SECRET_LENGTHS = range(24, 65)
"""In bytes: what Standard Webhooks asks for."""


class Channel(Protocol):
    """A place where people are told."""

    @property
    def name(self) -> str:
        """What the ledger remembers it by; there is one channel of each name."""

    def send(self, message: Message, post: Post) -> str:
        """Send a message; returns its id if the channel has threads, else ""."""


def find_channels(environment: Mapping[str, str], slack_ids: Mapping[str, str]) -> list[Channel]:
    """Return the channels that the environment names; none: there are no alerts.

    Raises:
        ConfigurationError: A variable cannot be used, or one that belongs to it is missing.
    """
    given = {name: value for name in VARIABLES if (value := environment.get(name, "").strip())}
    return list(_channels(given, slack_ids))


def _channels(given: Mapping[str, str], slack_ids: Mapping[str, str]) -> Iterator[Channel]:
    if token := given.get("DRIFT_ALERTS_SLACK_TOKEN"):
        if "DRIFT_ALERTS_SLACK_CHANNEL" not in given:
            raise ConfigurationError("DRIFT_ALERTS_SLACK_TOKEN is set, and DRIFT_ALERTS_SLACK_CHANNEL is not.")
        if not token.isascii() or not token.isprintable():
            raise ConfigurationError("DRIFT_ALERTS_SLACK_TOKEN is no token.")
        api = _url(given, "DRIFT_ALERTS_SLACK_API") if "DRIFT_ALERTS_SLACK_API" in given else "https://slack.com/api"
        yield SlackBot(api.rstrip("/"), token, given["DRIFT_ALERTS_SLACK_CHANNEL"], slack_ids)
    elif "DRIFT_ALERTS_SLACK_WEBHOOK" in given:
        yield SlackWebhook(_url(given, "DRIFT_ALERTS_SLACK_WEBHOOK"), slack_ids)
    if "DRIFT_ALERTS_TEAMS_WEBHOOK" in given:
        yield Teams(_url(given, "DRIFT_ALERTS_TEAMS_WEBHOOK"))
    if "DRIFT_ALERTS_WEBHOOK" in given:
        yield Webhook(_url(given, "DRIFT_ALERTS_WEBHOOK"), _secret(given.get("DRIFT_ALERTS_WEBHOOK_SECRET", "")))


def _url(given: Mapping[str, str], name: str) -> str:
    url = given[name]
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))
    except ValueError:
        usable = False
    if not usable:  # it is not quoted, because it is a secret
        raise ConfigurationError(f"{name} is no https URL.", advice="http is allowed on this machine only.")
    return url


def _secret(text: str) -> bytes:
    try:
        secret = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) not in _SECRET_LENGTHS:
        raise ConfigurationError(
            "DRIFT_ALERTS_WEBHOOK_SECRET is not 24 to 64 bytes in base64.",
            advice='Make one: echo "whsec_$(openssl rand -base64 32)"',
        )
    return secret
