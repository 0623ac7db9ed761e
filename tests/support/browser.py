"""A browser whose user agrees to everything, and what it needs for that."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine, Done

CLIENT_ID = "our-app"
CLIENT_SECRET = "cl1ent-s3cret-planted"


def signing_in(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    """Return the environment of somebody who has an app and no token."""
    return {
        "DRIFT_API_URL": sandbox.url,
        "DRIFT_CLIENT_ID": CLIENT_ID,
        "DRIFT_CLIENT_SECRET": CLIENT_SECRET,
        "DRIFT_TOKEN_FILE": str(folder / "keys" / "sign-in.json"),
    }


def log_in(dbt_drift: CommandLine, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, *more: str) -> Done:
    """Run `auth login` with a browser that follows the redirect; what is in the address can be replaced by `more`."""
    visits: list[threading.Thread] = []

    def visit(address: str) -> None:
        back = requests.get(address, allow_redirects=False, timeout=30).headers["Location"]
        for replaced in more:
            old, new = replaced.split("=>")
            back = back.replace(old, new)
        assert requests.get(back, timeout=30).status_code == 200

    def opened(address: str) -> bool:
        visits.append(threading.Thread(target=visit, args=(address,)))
        visits[0].start()
        return True

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr("webbrowser.open", opened)
    done = dbt_drift("auth", "login", "--port", str(port), "--timeout", "20", environment=environment)
    for thread in visits:
        thread.join()
    return done
