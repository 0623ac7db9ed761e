"""Drift's token endpoint: a code, or a refresh token, for an access token.

Source: devdocs.drift.com/docs/authentication-and-scopes for the calls; clients of the live API for the names in the
answer, and for that a refresh brings a new refresh token. How a refusal looks is not documented: any 4xx but 408, 425
and 429 is taken for one.
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
from dbt_drift.errors import DriftUnavailableError
from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.http.messages import Response

_POLICY = RetryPolicy(tries=4, first_delay=0.5, longest_delay=10.0)


class RefusedGrantError(DriftUnavailableError):
    """Drift refuses the code or the refresh token: only signing in again helps."""


class App(msgspec.Struct, frozen=True):
    """The app in whose name users are signed in: its id and its secret, from dev.drift.com."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"App({self.client_id}, {MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A client secret is not written to a file.")


class Grant(msgspec.Struct, frozen=True):
    """What the token endpoint gave.

    Attributes:
        access_token: Opens the API.
        refresh_token: Gets the next access token; "" where none was given.
        expires_in: Seconds that the access token lasts, or None where that was not said; 0 for one without an end.
        organisation: The id of the Drift organisation, or None where that was not said.
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
    """Return what the authorize page is given of a verifier: its SHA-256 (RFC 7636, S256).

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def redeem(url: str, app: App, code: str, redirect_uri: str, verifier: str) -> Grant:
    """Return the tokens for a code.

    Args:
        url: Where Drift is.
        app: The app that asked for the code.
        code: The code, which is good once.
        redirect_uri: The address to which it was sent.
        verifier: What the authorize page was given the `challenge` of: so a code that is stolen is good for nobody.

    Raises:
        RefusedGrantError: Drift does not take the code, or the app.
        DriftUnavailableError: Drift cannot be reached.
    """
    form = {"code": code, "grant_type": "authorization_code", "redirect_uri": redirect_uri, "code_verifier": verifier}
    return _ask(url, app, form)


def refresh(url: str, app: App, refresh_token: str) -> Grant:
    """Return the next tokens. The refresh token may be used up by it.

    Raises:
        RefusedGrantError: Drift does not take the refresh token, or the app.
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
    raise DriftUnavailableError(f"Drift's token endpoint does not answer: {problem}, after all tries.")


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
