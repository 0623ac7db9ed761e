"""`dbt-drift auth`: sign in to Drift, check the access, sign out."""

from __future__ import annotations

import hmac
import os
import secrets
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import click

from dbt_drift.errors import ConfigurationError, DriftUnavailableError
from dbt_drift.escaping import escaped
from dbt_drift.terminal import echo, echo_document

if TYPE_CHECKING:
    from dbt_drift.drift.http.endpoints import TokenInfo

DEFAULT_PORT = 8765


@click.group("auth")
def auth_command() -> None:
    """Sign in to Drift, check the access, sign out.

    If DRIFT_ACCESS_TOKEN is set, dbt-drift uses no sign-in.
    """


@auth_command.command("login")
@click.option("--client-id", help="The id of your app at dev.drift.com. [DRIFT_CLIENT_ID, else it asks]")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Loopback port of the redirect URL, as your app has it."
)
@click.option("--no-browser", is_flag=True, help="Print the address, and wait for you to paste the code.")
@click.option("--timeout", default=300, show_default=True, help="Seconds to wait for the browser.")
def login(*, client_id: str | None, port: int, no_browser: bool, timeout: int) -> int:
    """Sign in to Drift, and store the sign-in in the keyring or in a file that only you can read.

    The app at dev.drift.com needs the redirect URL http://127.0.0.1:8765/callback (or that of --port) and the scopes
    contact_read and contact_write; with all_contact_read, dbt-drift compares the mapping with Drift's attributes. The
    client secret comes from DRIFT_CLIENT_SECRET, or the command asks for it.
    """
    from dbt_drift.drift.auth.loopback import PATH
    from dbt_drift.drift.auth.oauth import App, challenge, redeem
    from dbt_drift.drift.auth.sign_in import kept_from
    from dbt_drift.drift.auth.token_store import Kept, token_store
    from dbt_drift.drift.http.url import drift_url

    url = drift_url(os.environ)
    client_id = client_id or _given("DRIFT_CLIENT_ID", "Client id")
    client_secret = _given("DRIFT_CLIENT_SECRET", "Client secret", hidden=True)
    app = App(client_id, client_secret)
    state = secrets.token_urlsafe(24)
    redirect_uri = f"http://127.0.0.1:{port}{PATH}"
    verifier = secrets.token_urlsafe(48)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
    }
    address = f"{_authorize_url(url)}?{urlencode(query)}"
    back = _pasted(address, state) if no_browser else _from_browser(address, state, port, timeout)
    grant = redeem(url, app, _code(back, state), redirect_uri, verifier)
    kept = kept_from(grant, Kept(client_id, client_secret, "", "", obtained_at=0.0))
    if not kept.refresh_token:
        raise DriftUnavailableError(
            "Drift gave no refresh token: the sign-in would end with its first token.",
            advice="Use an app's own token instead: DRIFT_ACCESS_TOKEN.",
        )
    store = token_store(os.environ)
    with store.locked():
        store.write(url, kept)
    echo(f"Signed in to {url}. Stored in {store.place}.")
    if os.environ.get("DRIFT_ACCESS_TOKEN", "").strip():
        echo("DRIFT_ACCESS_TOKEN is set: dbt-drift uses it instead of the sign-in.", err=True)
    return 0


@auth_command.command("check")
@click.option(
    "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
def check(*, output: str) -> int:
    """Show the organisation, the scopes and the expiry of the token. Exit code 1 if a sync would lack a scope."""
    from dbt_drift.drift.auth.find import credential
    from dbt_drift.drift.auth.scopes import missing_scopes
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.drift.http.retry_policy import RetryPolicy
    from dbt_drift.drift.http.url import drift_url

    url, access = drift_url(os.environ), credential(os.environ)
    with DriftClient(url, access, policy=RetryPolicy(tries=2)) as client:
        info = client.token_info()
    scopes = info.scope.split()
    missing = missing_scopes(info)
    if output == "json":
        document = {
            "drift_url": url,
            "source": access.source,
            "organisation": info.organisation,
            "scopes": scopes,
            "missing": [scope.name for scope in missing],
            "expires_in_s": info.expires_in / 1000 if info.expires_in else None,
        }
        echo_document(document)
    else:
        echo(f"{url} accepts the token from {access.source}")
        echo(f"  organisation: {escaped(info.organisation or 'unknown')}")
        echo(f"  expires: {_end(info)}")
        echo(f"  scopes: {escaped(' '.join(scopes) or 'unknown')}")
        for scope in missing:
            echo(f"  {'MISSING' if scope.is_required else 'without'} {scope.name}: {scope.purpose}")
    return 1 if any(scope.is_required for scope in missing) else 0


@auth_command.command("logout")
def logout() -> int:
    """Delete the sign-in from this machine. Drift keeps the grant until you remove the app there."""
    from dbt_drift.drift.auth.token_store import token_store
    from dbt_drift.drift.http.url import drift_url

    url = drift_url(os.environ)
    store = token_store(os.environ)
    with store.locked():
        forgotten = store.delete(url)
    if forgotten:
        echo(f"Deleted the sign-in to {url} from {store.place}.")
        echo("Drift keeps the grant until you remove the app: Settings > App Settings, or dev.drift.com.")
    else:
        echo(f"Nobody is signed in to {url} in {store.place}.")
    return 0


def _authorize_url(url: str) -> str:
    """Return the URL of the authorize page; a sandbox has its own."""
    from dbt_drift.drift.http.url import is_loopback

    given = os.environ.get("DRIFT_AUTHORIZE_URL", "").strip()
    return given or (f"{url}/authorize" if is_loopback(url) else "https://dev.drift.com/authorize")


def _given(variable: str, prompt: str, *, hidden: bool = False) -> str:
    """Return the value of the variable, or ask for it."""
    if value := os.environ.get(variable, "").strip():
        return value
    if not sys.stdin.isatty():
        raise ConfigurationError(
            f"{variable} is not set, and there is no terminal to ask on.", advice=f"Set {variable}."
        )
    return str(click.prompt(prompt, hide_input=hidden, err=True)).strip()


def _from_browser(address: str, state: str, port: int, timeout: int) -> dict[str, str]:
    import threading
    import webbrowser

    from dbt_drift.drift.auth.loopback import listening

    with listening(port, state) as listener:
        echo(f"Agree in the browser. If none opens, open this address on this machine: {address}", err=True)
        # Some browsers, and commands that open one, return only when they are closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        if (back := listener.wait(timeout)) is None:
            raise ConfigurationError(
                f"The browser did not come back within {timeout} seconds.",
                advice=f"The app needs the redirect URL http://127.0.0.1:{port}/callback. Without a browser on this "
                "machine, use --no-browser.",
            )
    return back


def _pasted(address: str, state: str) -> dict[str, str]:
    """Ask for the code, or for the address that the browser could not show."""
    echo(f"Open this address in any browser: {address}", err=True)
    echo("The browser ends on a page that it cannot show. Paste the address of that page, or the code in it.", err=True)
    if sys.stdin.isatty():
        text = str(click.prompt("Address or code", hide_input=True, err=True)).strip()
    elif not (text := sys.stdin.readline().strip()):
        raise ConfigurationError(
            "Nobody can paste a code: the standard input has ended.",
            advice="Run it on a terminal, or set DRIFT_ACCESS_TOKEN instead.",
        )
    if "=" not in text:
        # Somebody pasted the code alone, so there is no state to compare.
        return {"code": text, "state": state}
    query = urlsplit(text).query or text
    return {name: values[0] for name, values in parse_qs(query).items()}


def _code(back: dict[str, str], state: str) -> str:
    """Return the code that came back.

    Raises:
        ConfigurationError: It belongs to another sign-in, or there is none.
        DriftUnavailableError: Drift, or the person, refused.
    """
    if not hmac.compare_digest(back.get("state", "").encode(), state.encode()):
        raise ConfigurationError(
            "What came back from the browser belongs to another sign-in: its `state` is not ours.",
            advice="Run `dbt-drift auth login` again, and use the address that it prints.",
        )
    if "error" in back:
        said = " ".join(back[name] for name in ("error", "error_description") if name in back)
        raise DriftUnavailableError(f"Drift did not sign you in: {escaped(said[:200])}.")
    if not back.get("code"):
        raise DriftUnavailableError("Drift sent the browser back without a code.")
    return back["code"]


def _end(info: TokenInfo) -> str:
    return f"in {info.expires_in / 60_000:.0f} minutes" if info.expires_in else "never, until it is revoked"
