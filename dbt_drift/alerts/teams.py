"""Microsoft Teams: the webhook of a workflow, "When a Teams webhook request is received", which takes an Adaptive Card.

Sources: learn.microsoft.com/connectors/teams (the trigger and its document), adaptivecards.io/explorer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.alerts.words import lines_of

if TYPE_CHECKING:
    from dbt_drift.alerts.incident import Message
    from dbt_drift.alerts.post import Post


class Teams:
    """A workflow's webhook; url: its URL, which is a secret."""

    name = "teams"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message, post: Post) -> str:
        """Send one message; returns "", because there is no id to remember."""
        body = [_text(message.title, size="large", weight="bolder")]
        for heading, lines in lines_of(message):
            body += [_text(heading, weight="bolder"), *map(_text, lines)]
        body.append(_text(message.footer, isSubtle=True))
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": body,
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        post(self._url, msgspec.json.encode({"type": "message", "attachments": [attachment]}), {})
        return ""


def _text(text: str, **look: Any) -> dict[str, Any]:
    # A TextBlock would read Markdown, in which a name could be a link.
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **look}]}
