"""Signing in, as a person, as a scheduler and as two programs at once do it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import keyring
import keyring.backend
import pytest
import requests

from dbt_drift.drift.auth import oauth
from dbt_drift.drift.auth.loopback import listening
from dbt_drift.drift.auth.sign_in import sign_in_from
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.errors import DriftUnavailableError
from dbt_drift.sandbox.behaviour import Fault
from dbt_drift.sandbox.calls.grants import App
from tests.support.browser import CLIENT_ID, CLIENT_SECRET, log_in, signing_in
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

    Login = Callable[..., Done]


@pytest.fixture
def app(sandbox: Sandbox) -> App:
    app = App(CLIENT_ID, CLIENT_SECRET)
    sandbox.declare_apps(app)
    sandbox.change(undeclared_tokens="refuse")
    return app


@pytest.fixture
def environment(sandbox: Sandbox, app: App, tmp_path: Path) -> dict[str, str]:
    assert app
    return signing_in(sandbox, tmp_path)


@pytest.fixture
def login(dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Login:
    """Return what runs `auth login`."""
    return lambda environment, *more: log_in(dbt_drift, environment, monkeypatch, *more)


@pytest.fixture
def signed_in(login: Login, environment: dict[str, str]) -> dict[str, str]:
    """Return the environment of somebody who has signed in, and needs the app's secret no longer."""
    done = login(environment)
    assert done.code == 0, done
    return {name: value for name, value in environment.items() if not name.startswith("DRIFT_CLIENT")}


def kept(environment: dict[str, str]) -> dict[str, Any]:
    (found,) = json.loads(Path(environment["DRIFT_TOKEN_FILE"]).read_text()).values()
    assert isinstance(found, dict)
    return found


def refreshes(sandbox: Sandbox) -> int:
    return len(sandbox.requests(path="/oauth2/token"))


def test_signed_in_one_checks_syncs_and_signs_out(
    people: Bench, signed_in: dict[str, str], dbt_drift: CommandLine
) -> None:
    file = Path(signed_in["DRIFT_TOKEN_FILE"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    done = dbt_drift("auth", "check", environment=signed_in)
    assert done.code == 0
    assert f"orgId:{people.sandbox.organisation}" in done.out
    assert "120 minutes" in done.out
    done = dbt_drift("plan", *project_of(people), environment=signed_in)
    assert done.code == 0
    done = dbt_drift("sync", *project_of(people), environment=signed_in)
    assert (done.code, len(people.sandbox.contacts())) == (1, 1)  # one row cannot be sent
    assert "you remove the app" in dbt_drift("auth", "logout", environment=signed_in).out
    assert "Nobody is signed in" in dbt_drift("auth", "logout", environment=signed_in).out
    done = dbt_drift("sync", *project_of(people), environment=signed_in)
    assert done.code == 2
    assert "dbt-drift auth login" in done.err


def test_a_token_of_the_environment_goes_first(
    sandbox: Sandbox, signed_in: dict[str, str], dbt_drift: CommandLine
) -> None:
    sandbox.change(undeclared_tokens="accept")
    done = dbt_drift("auth", "check", "--output", "json", environment=signed_in | {"DRIFT_ACCESS_TOKEN": "personal"})
    found = json.loads(done.out)
    assert (found["source"], found["expires_in_s"], found["missing"]) == ("DRIFT_ACCESS_TOKEN", None, [])


def test_missing_scopes_are_named(sandbox: Sandbox, dbt_drift: CommandLine, login: Login, tmp_path: Path) -> None:
    sandbox.declare_apps(App(CLIENT_ID, CLIENT_SECRET, scopes=("contact_read",)))
    environment = signing_in(sandbox, tmp_path)
    assert login(environment).code == 0
    done = dbt_drift("auth", "check", environment=environment)
    assert done.code == 1
    assert "MISSING contact_write" in done.out
    assert "without all_contact_read" in done.out


def test_a_refusal_is_said(login: Login, environment: dict[str, str]) -> None:
    done = login(environment, "code==>error=access_denied&error_description=no%1b%0a::x&code=")
    assert done.code == 2
    assert "access_denied no\\x1b\\n::x" in done.err
    assert not Path(environment["DRIFT_TOKEN_FILE"]).exists()


def test_only_the_visit_of_this_sign_in_ends_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/callback"
    with listening(port, "ours") as listener, socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"GET /callback?state=ours HT")  # and no more
        assert requests.get(f"{address}?state=theirs&code=x", timeout=10).status_code == 400
        assert requests.get(address, timeout=10).status_code == 400
        began = time.monotonic()
        assert listener.wait(0.3) is None
        assert time.monotonic() - began < 5
        assert requests.get(f"{address}?state=ours&code=y", timeout=10).status_code == 200
        assert listener.wait(10) == {"state": "ours", "code": "y"}


def test_the_address_comes_before_a_browser_that_does_not_return(
    dbt_drift: CommandLine, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda _: never.wait(60))
    began = time.monotonic()
    done = dbt_drift("auth", "login", "--port", "0", "--timeout", "1", environment=environment)
    assert time.monotonic() - began < 30
    never.set()
    assert done.code == 2
    assert f"open this address on this machine: {environment['DRIFT_API_URL']}/authorize?" in done.err
    assert "The browser did not come back" in done.err


def test_a_code_is_good_for_nobody_else(sandbox: Sandbox, environment: dict[str, str]) -> None:
    back = "http://127.0.0.1:1/callback"
    query = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": back}
    query |= {"code_challenge": oauth.challenge("ours"), "code_challenge_method": "S256"}
    visit = requests.get(f"{sandbox.url}/authorize", params=query, allow_redirects=False, timeout=30)
    code = parse_qs(urlsplit(visit.headers["Location"]).query)["code"][0]
    ours = oauth.App(CLIENT_ID, environment["DRIFT_CLIENT_SECRET"])
    with pytest.raises(DriftUnavailableError, match="code_verifier"):
        oauth.redeem(sandbox.url, ours, code, back, "theirs")


@pytest.mark.parametrize("missing", ["DRIFT_CLIENT_ID", "DRIFT_CLIENT_SECRET"])
def test_where_there_is_no_terminal_nothing_is_asked(environment: dict[str, str], missing: str) -> None:
    given = {name: value for name, value in environment.items() if name != missing}
    done = subprocess.run(
        [sys.executable, "-m", "dbt_drift", "auth", "login", "--no-browser"],
        env={name: value for name, value in os.environ.items() if not name.startswith("DRIFT_")} | given,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Set {missing}." in done.stderr
    assert "GetPassWarning" not in done.stderr


def test_a_port_that_is_taken(dbt_drift: CommandLine, environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = dbt_drift("auth", "login", "--port", port, environment=environment)
    assert done.code == 2
    assert "--no-browser" in done.err


@pytest.mark.parametrize("whole", [True, False], ids=["the whole address", "the code"])
def test_without_a_browser_what_is_pasted_counts(environment: dict[str, str], *, whole: bool) -> None:
    command = [sys.executable, "-m", "dbt_drift", "auth", "login", "--no-browser"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DRIFT_")}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean | environment,
        start_new_session=True,  # without a terminal the prompt reads what is piped in
    ) as process:
        assert process.stderr is not None
        address = process.stderr.readline().rpartition(" ")[2].strip()
        back = requests.get(address, allow_redirects=False, timeout=30).headers["Location"]
        code = parse_qs(urlsplit(back).query)["code"][0]
        out, err = process.communicate(f"{back if whole else code}\n", timeout=60)
    assert process.returncode == 0, err
    assert "Signed in" in out
    assert kept(environment)["refresh_token"]


def test_many_workers_renew_once_when_drift_refuses_the_token(
    bench: Bench, signed_in: dict[str, str], dbt_drift: CommandLine
) -> None:
    bench.table("people", "select 'p' || i || '@example.com' as email from generate_series(1, 300) as g(i)")
    bench.declare("people", {"fields": {"email": "email"}})
    before = kept(signed_in)
    bench.sandbox.revoke_token(before["access_token"])
    refreshed = refreshes(bench.sandbox)
    done = dbt_drift("sync", *project_of(bench), environment=signed_in)
    assert done.code == 0, done
    assert refreshes(bench.sandbox) == refreshed + 1
    assert len(bench.sandbox.contacts()) == 300
    after = kept(signed_in)
    assert after["access_token"] != before["access_token"]
    assert after["refresh_token"] != before["refresh_token"]


def test_tokens_that_end_in_the_middle_of_a_run_are_renewed(
    people: Bench, sandbox: Sandbox, signed_in: dict[str, str], dbt_drift: CommandLine
) -> None:
    people.table(
        "people", "select 'p' || i || '@example.com' as email, '' as name from generate_series(1, 200) as g(i)"
    )
    sandbox.change(token_lifetime_s=0.5, latency_ms=40)
    sandbox.revoke_token(kept(signed_in)["access_token"])
    refreshed = refreshes(sandbox)
    done = dbt_drift("sync", *project_of(people), "--threads", "4", environment=signed_in)
    assert done.code == 0, done
    assert len(sandbox.contacts()) == 200
    assert refreshes(sandbox) - refreshed >= 3


def test_a_dead_sign_in_stops_the_run_at_once_and_the_next_one_goes_on(
    people: Bench,
    sandbox: Sandbox,
    signed_in: dict[str, str],
    login: Login,
    dbt_drift: CommandLine,
) -> None:
    people.table(
        "people", "select 'p' || i || '@example.com' as email, '' as name from generate_series(1, 300) as g(i)"
    )
    dead = kept(signed_in)
    for token in (dead["access_token"], dead["refresh_token"]):
        sandbox.revoke_token(token)
    before = sandbox.summary().total_requests
    done = dbt_drift("sync", *project_of(people), environment=signed_in)
    assert done.code == 2
    assert "dbt-drift auth login" in done.out
    assert sandbox.summary().total_requests - before < 150
    assert refreshes(sandbox) == 2  # the sign-in, and one refusal
    assert login(signed_in | {"DRIFT_CLIENT_ID": CLIENT_ID, "DRIFT_CLIENT_SECRET": CLIENT_SECRET}).code == 0
    assert dbt_drift("sync", *project_of(people), environment=signed_in).code == 0
    assert len(sandbox.contacts()) == 300


def test_a_missing_scope_is_not_renewed_for_ever(
    people: Bench, sandbox: Sandbox, signed_in: dict[str, str], dbt_drift: CommandLine
) -> None:
    sandbox.change(faults=[Fault(status=403, method="POST", path="/contacts")])
    done = dbt_drift("sync", *project_of(people), environment=signed_in)
    assert done.code == 2
    assert "scope contact_write" in done.out + done.err
    assert refreshes(sandbox) == 2  # the sign-in, and one try


def test_a_token_endpoint_that_falters_is_asked_again(
    people: Bench, sandbox: Sandbox, signed_in: dict[str, str], dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbt_drift.drift.auth.oauth._POLICY", RetryPolicy(tries=4, first_delay=0.001))
    sandbox.revoke_token(kept(signed_in)["access_token"])
    sandbox.change(faults=[Fault(status=503, path="/oauth2/token", count=2)])
    assert dbt_drift("sync", *project_of(people), environment=signed_in).code == 1
    assert len(sandbox.contacts()) == 1


def test_a_scheduler_needs_nothing_but_its_environment(
    people: Bench, sandbox: Sandbox, signed_in: dict[str, str], environment: dict[str, str], dbt_drift: CommandLine
) -> None:
    first = environment | {"DRIFT_REFRESH_TOKEN": kept(signed_in)["refresh_token"]}
    Path(environment["DRIFT_TOKEN_FILE"]).unlink()
    for _ in range(2):  # the second run finds what became of the refresh token
        assert dbt_drift("sync", *project_of(people), environment=first).code == 1
    assert refreshes(sandbox) == 2
    newest = kept(environment)["refresh_token"]
    nowhere = first | {"DRIFT_REFRESH_TOKEN": newest, "DRIFT_TOKEN_FILE": "/proc/nowhere/sign-in.json"}
    done = dbt_drift("auth", "check", environment=nowhere)
    assert (done.code, "kept nowhere else" in done.out) == (0, True)
    half = {name: value for name, value in first.items() if name != "DRIFT_CLIENT_SECRET"}
    assert "DRIFT_CLIENT_SECRET" in dbt_drift("auth", "check", environment=half).err


_RENEW = """
import os
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.drift.auth.sign_in import sign_in_from
for _ in range(15):
    sign_in = sign_in_from(os.environ)
    assert sign_in.renew(sign_in.current(), 401)
"""


def test_two_processes_do_not_lose_the_sign_in(signed_in: dict[str, str], dbt_drift: CommandLine) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _RENEW], env=os.environ | signed_in, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert dbt_drift("auth", "check", environment=signed_in).code == 0


def test_a_file_that_others_can_read_is_refused(signed_in: dict[str, str], dbt_drift: CommandLine) -> None:
    Path(signed_in["DRIFT_TOKEN_FILE"]).chmod(0o644)
    done = dbt_drift("auth", "check", environment=signed_in)
    assert done.code == 2
    assert "chmod 600" in done.err


class _Keyring(keyring.backend.KeyringBackend):  # type: ignore[misc,unused-ignore]  # typed since keyring 24
    """A keyring that this process alone has."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]  # typed since keyring 25
        self.blocked: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.blocked.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.blocked[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.blocked[service, username]


def test_the_keyring_keeps_it_where_there_is_one(
    sandbox: Sandbox, environment: dict[str, str], dbt_drift: CommandLine, login: Login
) -> None:
    backend = _Keyring()
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        mine = {name: value for name, value in environment.items() if name != "DRIFT_TOKEN_FILE"}
        assert "the keyring" in login(mine).out
        ((service, key),) = backend.blocked
        assert (service, key) == ("dbt-drift", sandbox.url)
        assert dbt_drift("auth", "check", environment=mine).code == 0
        sign_in = sign_in_from(mine)
        assert sign_in is not None
        assert CLIENT_SECRET not in repr(sign_in)
        assert dbt_drift("auth", "logout", environment=mine).code == 0
        assert not backend.blocked
    finally:
        keyring.set_keyring(before)
