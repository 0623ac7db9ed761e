"""The token for Drift: checked, and never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

HOW_TO_GET_ONE = (
    "Get one at dev.drift.com: your app > OAuth & Permissions > Install to Drift, with the scopes contact_read and "
    "contact_write; then set DRIFT_ACCESS_TOKEN to it. Or sign in with `dbt-drift auth login`."
)

MASK = "***"

_SHORTEST_SECRET = 12
"""In characters. Shorter secrets can be guessed, and can be a word of the text that quotes them."""


class Credential(Protocol):
    """A credential for Drift: a token, or a sign-in that renews its token."""

    source: str
    """Where the credential came from, to show to users."""

    advice: str
    """What users should do when Drift refuses it."""

    def current(self) -> AccessToken:
        """Return the token to send next."""

    def confirm(self, token: AccessToken) -> None:
        """Record that Drift accepted a token."""

    def renew(self, refused: AccessToken, status: int) -> bool:
        """Try to replace a refused token; returns whether to send the request again."""

    def mask(self, text: str) -> str:
        """Return an external text with every secret in it masked."""


class AccessToken:
    """An access token that no log, traceback, error or pickle shows. As a credential it cannot be renewed.

    Args:
        value: The token itself.

    Attributes:
        source: Where the token came from, to show to users.
        advice: What users should do when Drift refuses it.

    Raises:
        ConfigurationError: The value cannot be a token. The message does not quote it.
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
        """Return the token. Only the code that sends it calls this."""
        return self._value

    def current(self) -> AccessToken:
        """Return the token itself."""
        return self

    def confirm(self, token: AccessToken) -> None:
        """Do nothing: a fixed token has no state."""

    def renew(self, refused: AccessToken, status: int) -> bool:  # noqa: ARG002 - as a sign-in has it
        """Return False: a fixed token cannot be renewed."""
        return False

    def mask(self, text: str) -> str:
        """Return an external text with the token in it masked."""
        return without([self._value], text)


def without(secrets: Iterable[str], text: str) -> str:
    """Return a text with these secrets masked, except those too short to be secrets, such as the token `sandbox`.

    >>> without(["sandbox", "dr1ft-t0ken-4711"], "The sandbox refuses dr1ft-t0ken-4711.")
    'The sandbox refuses ***.'
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text
