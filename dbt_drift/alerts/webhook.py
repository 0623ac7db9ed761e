"""A webhook of your own, signed by the rules of Standard Webhooks, for which there are libraries in most languages.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from dbt_drift.alerts.incident import Message
    from dbt_drift.alerts.post import Post


class Webhook:
    """A URL that gets a signed JSON document.

    Args:
        url: The URL.
        secret: The bytes that sign it.
    """

    name = "webhook"

    def __init__(self, url: str, secret: bytes) -> None:
        self._url = url
        self._secret = secret

    def send(self, message: Message, post: Post) -> str:
        """Send one message; returns "", because there is no id to remember."""
        kind = "alert" if message.opened or message.recovered else "test"
        document = {"type": f"dbt_drift.{kind}", "title": message.title, **msgspec.to_builtins(message)}
        for incident in document["recovered"]:
            del incident["channel"], incident["thread"]
        body = msgspec.json.encode(document)
        post(self._url, body, self._headers(f"msg_{uuid.uuid4().hex}", int(time.time()), body))
        return ""

    def _headers(self, message_id: str, sent_at: int, body: bytes) -> dict[str, str]:
        signed = hmac.digest(self._secret, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(sent_at),
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }
