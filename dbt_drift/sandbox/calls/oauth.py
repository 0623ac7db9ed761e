"""Sign-in: `GET /authorize`, `POST /oauth2/token` and `POST /app/token_info`.

Sources: devdocs.drift.com/docs/authentication-and-scopes, devdocs.drift.com/docs/get-token-information.

Drift serves the first on dev.drift.com, where a user consents; the sandbox consents by itself. The second accepts the
documented form and the JSON of Drift's older code, and answers in the same style. How a refusal looks is an assumption.
"""

from __future__ import annotations

import secrets
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from dbt_drift.sandbox.calls.answers import Answer, RefusedError, plain
from dbt_drift.sandbox.calls.call import read_json
from dbt_drift.sandbox.calls.store import now_ms
from dbt_drift.sandbox.calls.tokens import Token

if TYPE_CHECKING:
    from dbt_drift.sandbox.calls.call import Call

_APP = "dbt-drift-sandbox"


class _Asked(msgspec.Struct, frozen=True):
    client_id: str = ""
    client_secret: str = ""
    grant_type: str = ""
    code: str = ""
    refresh_token: str = ""
    redirect_uri: str = ""
    code_verifier: str = ""


_CAMEL_CASE = {
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "grantType": "grant_type",
    "code": "code",
    "refreshToken": "refresh_token",
    "redirectUri": "redirect_uri",
    "codeVerifier": "code_verifier",
}


def authorize(call: Call) -> Answer:
    """Answer `GET /authorize`: redirect the browser at once, with a code or an error."""
    given = {name: values[0] for name, values in call.request.parameters().items()}
    redirect = given.get("redirect_uri", "")
    if not _is_address(redirect):
        raise RefusedError(400, "redirect_uri must be an http address.")
    if given.get("response_type") != "code" or not call.grants.knows(given.get("client_id", "")):
        raise RefusedError(400, "response_type must be code, and client_id that of an app.")
    back = {"state": given["state"]} if "state" in given else {}
    if call.behaviour.sign_in == "deny":
        back |= {"error": "access_denied", "error_description": "The sandbox denies it on purpose."}
    else:
        back["code"] = call.grants.code(given["client_id"], redirect, given.get("code_challenge", ""))
    return Answer(302, headers=(("Location", f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(back)}"),))


def grant_token(call: Call) -> Answer:
    """Answer `POST /oauth2/token`; `expires_in` is in seconds."""
    asked, in_camel_case = _read(call.request.body)
    app = call.grants.app(asked.client_id, asked.client_secret)
    if asked.grant_type == "authorization_code":
        call.grants.redeem(asked.code, app, asked.redirect_uri, asked.code_verifier)
        refresh_token = call.grants.refresh_token(app)
    elif asked.grant_type == "refresh_token":
        rotate = call.behaviour.refresh_tokens == "rotate"
        refresh_token = call.grants.refresh(asked.refresh_token, app, rotate=rotate)
    else:
        raise RefusedError(400, "grant_type must be authorization_code or refresh_token.")
    seconds = call.behaviour.token_lifetime_s
    token = Token(secrets.token_urlsafe(24), app.organisation, app.scopes, expires_in_s=seconds)
    organisation = call.tokens.grant(token).organisation
    if in_camel_case:
        return plain({"accessToken": token.token, "refreshToken": refresh_token, "orgId": organisation})
    return plain(
        {
            "access_token": token.token,
            "refresh_token": refresh_token,
            "token_type": "bearer",
            "expires_in": int(seconds),
            "orgId": organisation,
        }
    )


def _is_address(text: str) -> bool:
    # The text becomes part of a header, so it must not contain a line end.
    try:
        return urlsplit(text).scheme in {"http", "https"} and text.isprintable() and " " not in text
    except ValueError:
        return False


def _read(body: bytes) -> tuple[_Asked, bool]:
    """Return the request's fields, and whether they came as JSON in camel case."""
    if body.lstrip().startswith(b"{"):
        given = read_json(body, dict[str, str])
        return msgspec.convert({_CAMEL_CASE[name]: given[name] for name in given.keys() & _CAMEL_CASE}, _Asked), True
    form = parse_qs(body.decode("utf-8", "replace"))
    return msgspec.convert({name: values[0] for name, values in form.items()}, _Asked), False


def token_info(call: Call) -> Answer:
    """Answer `POST /app/token_info`, without the envelope of the other calls; `expires_in` is in milliseconds."""
    body = call.read(dict[str, Any])
    key = call.behaviour.token_info_key
    token = body.get("access_token", body.get("accessToken")) if key == "either" else body.get(key)
    found = call.tokens.look_up(token, call.behaviour) if isinstance(token, str) else None
    if not isinstance(token, str) or found is None:
        raise RefusedError(400, "access_token is missing, invalid or has expired.")
    return plain(
        {
            "access_token": token,
            "authenticated_userid": f"orgId:{found.organisation}",
            "credential_id": _APP,
            "token_type": "bearer",
            "expires_in": 0 if found.expires_at is None else found.expires_at - now_ms(),
            "created_at": found.created_at,
            "scope": " ".join(found.scopes),
            "id": str(zlib.crc32(token.encode())),
        }
    )
