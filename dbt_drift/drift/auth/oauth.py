"""Drift's token endpoint: exchanges a code or a refresh token for an access token.

Sources: devdocs.drift.com/docs/authentication-and-scopes for the calls; clients of the live API for the names in the
answer, and for the fact that a refresh returns a new refresh token. Drift does not document how it refuses a grant, so
every 4xx except 408, 425 and 429 counts as a refusal.
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode

import msgspec

from dbt_drift.drift.http.credentials import MASK, without
from dbt_drift.drift.http.messages import Request
from dbt_drift.drift.http.retry_policy import RetryPolicy, Verdict, classify
from dbt_drift.drift.http.transport import NoAnswerError, Transport
from dbt_drift.errors import DriftAwayError, DriftUnavailableError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.http.messages import Response

_POLICY = RetryPolicy(tries=4, first_delay=0.5, longest_delay=10.0)


class RefusedGrantError(DriftUnavailableError):
    """Drift refuses the code or the refresh token. Only a new sign-in helps."""


class App(msgspec.Struct, frozen=True):
    """The OAuth app that users sign in to: its id and its secret, from dev.drift.com."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"App({self.client_id}, {MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A client secret is not written to a file.")


class Grant(msgspec.Struct, frozen=True):
    """The answer of the token endpoint.

    Attributes:
        access_token: Authorizes API calls.
        refresh_token: Gets the next access token; "" if Drift returned none.
        expires_in: Lifetime of the access token in seconds; 0 if it does not expire, None if unknown.
        organisation: The id of the Drift organisation, or None if unknown.
    """

    access_token: str
    refresh_token: str = ""
    expires_in: float | None = None
    organisation: int | None = None

    def __repr__(self) -> str:
        return f"Grant(organisation={self.organisation}, expires_in={self.expires_in})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token is not written to a file.")


def challenge(verifier: str) -> str:
    """Return the code challenge for a verifier: its SHA-256 hash (RFC 7636, S256).

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def redeem(url: str, app: App, code: str, redirect_uri: str, verifier: str) -> Grant:
    """Exchange an authorization code for tokens.

    Args:
        url: Drift's base URL.
        app: The app that requested the code.
        code: The code. It works once.
        redirect_uri: The address that received the code.
        verifier: The verifier whose `challenge` the authorize page received. A stolen code is useless without it.

    Raises:
        RefusedGrantError: Drift refuses the code or the app.
        DriftUnavailableError: Drift cannot be reached.
    """
    form = {"code": code, "grant_type": "authorization_code", "redirect_uri": redirect_uri, "code_verifier": verifier}
    return _ask(url, app, form)


def refresh(url: str, app: App, refresh_token: str) -> Grant:
    """Return the next tokens. This may invalidate the refresh token.

    Raises:
        RefusedGrantError: Drift refuses the refresh token or the app.
        DriftUnavailableError: Drift cannot be reached.
    """
    return _ask(url, app, {"refresh_token": refresh_token, "grant_type": "refresh_token"})


def _ask(url: str, app: App, form: Mapping[str, str]) -> Grant:
    credentials = {"client_id": app.client_id, "client_secret": app.client_secret}
    request = Request(
        method="POST",
        target="/oauth2/token",
        body=urlencode(credentials | dict(form)).encode(),
        content_type="application/x-www-form-urlencoded",
        scope="",
        reads=_answers,
    )
    secrets = [app.client_secret, *(form[name] for name in ("code", "code_verifier", "refresh_token") if name in form)]
    problem = ""
    transport = Transport(url)
    try:
        for _, delay in zip(range(_POLICY.tries), _POLICY.delays(), strict=False):
            try:
                response = transport.send(request, None)
            except NoAnswerError as error:
                problem = str(error)
            else:
                if response.good:
                    return _grant(response.data)
                if classify(response.status) in {Verdict.ANSWERED, Verdict.FATAL}:
                    raise RefusedGrantError(_refusal(response, secrets))
                problem = f"status {response.status}"
            time.sleep(delay)
    finally:
        transport.close()
    raise DriftAwayError(f"Drift's token endpoint does not answer: {problem}, after all tries.")


def _refusal(response: Response, secrets: list[str]) -> str:
    error = response.error()
    said = escaped(without(secrets, f"{response.status} {error.type}: {error.message}"))
    return f"Drift refuses the sign-in ({said})"


class _Answer(msgspec.Struct):
    access_token: str | None = None
    refresh_token: str | None = None
    expires_in: float | None = None
    orgId: int | None = None  # noqa: N815 - Drift's own name
    accessToken: str | None = None  # noqa: N815 - Drift's older answer
    refreshToken: str | None = None  # noqa: N815 - Drift's older answer

    def __post_init__(self) -> None:
        if not (self.access_token or self.accessToken):
            raise ValueError("no access token")


_answers: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Answer, strict=False)


def _grant(answer: _Answer) -> Grant:
    return Grant(
        access_token=answer.access_token or answer.accessToken or "",
        refresh_token=answer.refresh_token or answer.refreshToken or "",
        expires_in=answer.expires_in,
        organisation=answer.orgId,
    )
