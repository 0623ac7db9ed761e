"""Delivers messages to all channels at once, within one deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from dbt_drift.alerts.post import Post, UndeliveredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.alerts.channels import Channel
    from dbt_drift.alerts.incident import Message

SECONDS = 5.0
"""What all destinations together may cost a command."""


class _Delivery(threading.Thread):
    """A thread of its own, which nobody waits for: a server may keep it for as long as it likes."""

    def __init__(self, channel: Channel, message: Message) -> None:
        super().__init__(name=f"alert to {channel.name}", daemon=True)
        self._channel = channel
        self._message = message
        self.outcome: str | UndeliveredError = UndeliveredError(f"no answer within {SECONDS:.0f} seconds")

    def run(self) -> None:
        try:
            self.outcome = self._channel.send(self._message, Post(SECONDS))
        except UndeliveredError as error:
            self.outcome = error
        except Exception as error:  # noqa: BLE001 - its text may quote a secret
            self.outcome = UndeliveredError(type(error).__name__)


def deliver(messages: Sequence[tuple[Channel, Message]]) -> list[str | UndeliveredError]:
    """Send each message to its channel; returns the id that it has there, or why it did not arrive."""
    deliveries = [_Delivery(channel, message) for channel, message in messages]
    deadline = time.monotonic() + SECONDS
    for delivery in deliveries:
        delivery.start()
    for delivery in deliveries:
        delivery.join(max(0.0, deadline - time.monotonic()))
    return [delivery.outcome for delivery in deliveries]
