"""Slack: an incoming webhook, or a bot's token with which a recovery goes into the thread of its alert.

Sources, at docs.slack.dev: /messaging/sending-messages-using-incoming-webhooks, /reference/methods/chat.postMessage,
/reference/block-kit/blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dbt_drift.alerts.post import UndeliveredError
from dbt_drift.alerts.words import MOST_LINES, lines_of
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.alerts.incident import Message
    from dbt_drift.alerts.post import Post

_LONGEST_HEADER = 150
_LONGEST_SECTION = 3000


class _Answer(msgspec.Struct):
    ok: bool = False
    ts: str = ""
    error: str = ""


class SlackWebhook:
    """An incoming webhook.

    Args:
        url: Its URL, which is a secret.
        slack_ids: The Slack id of each owner that has one.
    """

    name = "slack"

    def __init__(self, url: str, slack_ids: Mapping[str, str]) -> None:
        self._url = url
        self._ids = slack_ids

    def send(self, message: Message, post: Post) -> str:
        """Send one message; returns "", because a webhook does not tell the id of the message."""
        post(self._url, msgspec.json.encode(_document(message, self._ids)), {})
        return ""


class SlackBot:
    """A bot that posts into a channel. A recovery goes into the thread of its alert, and is shown in the channel too.

    Args:
        api: The URL of Slack's API.
        token: The bot's token, with the scope chat:write.
        channel: The id of the channel, or its name.
        slack_ids: The Slack id of each owner that has one.
    """

    name = "slack"

    def __init__(self, api: str, token: str, channel: str, slack_ids: Mapping[str, str]) -> None:
        self._url = f"{api}/chat.postMessage"
        self._token = token
        self._channel = channel
        self._ids = slack_ids

    def send(self, message: Message, post: Post) -> str:
        """Send one message for what is new and one for each thread that is over; returns the id of the first."""
        threads = sorted({incident.thread for incident in message.recovered})
        opened = ""
        if message.opened or not message.recovered:
            opened = self._post(msgspec.structs.replace(message, recovered=[]), post)
        for thread in threads:
            over = [incident for incident in message.recovered if incident.thread == thread]
            answer = msgspec.structs.replace(message, opened=[], recovered=over)
            self._post(answer, post, **({"thread_ts": thread, "reply_broadcast": True} if thread else {}))
        return opened

    def _post(self, message: Message, post: Post, **more: Any) -> str:
        document = {"channel": self._channel, **_document(message, self._ids), **more}
        body = post(self._url, msgspec.json.encode(document), {"Authorization": f"Bearer {self._token}"})
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UndeliveredError("the answer is not Slack's") from None
        if not answer.ok:
            raise UndeliveredError(f"Slack answered {escaped(answer.error)[:60]!r}")
        return answer.ts


def _document(message: Message, slack_ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the message as blocks. Plain text, because in Slack's own markup a name could be a mention or a link."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(message.title, _LONGEST_HEADER)}]
    for heading, lines in lines_of(message):
        blocks.append({"type": "section", "text": _plain("\n".join([heading, *lines]), _LONGEST_SECTION)})
    owners = {incident.owner for incident in message.opened}
    called = [
        f"<{'!subteam^' if found[0] == 'S' else '@'}{found}>"
        for owner, found in sorted(slack_ids.items())
        if owner in owners
    ]
    if called:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": " ".join(called[:MOST_LINES])}})
    blocks.append({"type": "context", "elements": [_plain(message.footer, _LONGEST_SECTION)]})
    return {"text": _without_markup(message.title), "blocks": blocks}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text if len(text) <= most else f"{text[: most - 3]}...", "emoji": False}


def _without_markup(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
