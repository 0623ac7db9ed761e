from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.server import Sandbox
from tests.support.sandbox_client import Client

if TYPE_CHECKING:
    from pathlib import Path

SERVE = """
import sys
from dbt_drift.sandbox.server import serve
from dbt_drift.sandbox.setup import Setup
serve(port=0, data=sys.argv[1], setup=Setup(), announce=lambda url: print(url, flush=True))
"""


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    assert urlsplit(sandbox.url).hostname == "127.0.0.1"
    listening = sandbox._server._socket.getsockname()
    assert listening == ("127.0.0.1", urlsplit(sandbox.url).port)


@pytest.mark.parametrize("where", ["free", "data"])
def test_a_port_in_use_is_a_clear_error(sandbox: Sandbox, tmp_path: Path, where: str) -> None:
    port = urlsplit(sandbox.url).port
    assert port is not None
    data = tmp_path / "drift.db" if where == "data" else None
    with (
        pytest.raises(ConfigurationError, match=f"port {port} of 127.0.0.1: it is in use"),
        Sandbox(port=port, data=data),
    ):
        pass


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_does_not_exist_is_a_clear_error(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot listen on port {port}"), Sandbox(port=port):
        pass


def test_it_can_be_started_again_on_its_port() -> None:
    with Sandbox() as sandbox:
        port = urlsplit(sandbox.url).port
        assert port is not None
        first = sandbox.organisation
        with Client(sandbox.url) as client:
            client.created(email="ada@example.com")
    with Sandbox(port=port) as sandbox:
        assert sandbox.contacts() == []
        assert sandbox.organisation != first


def test_two_run_side_by_side() -> None:
    with Sandbox() as one, Sandbox() as two, Client(one.url) as client:
        client.created(email="ada@example.com")
        assert (len(one.contacts()), len(two.contacts())) == (1, 0)


def test_a_client_that_leaves_half_way_harms_nobody(
    sandbox: Sandbox, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    port = urlsplit(sandbox.url).port
    with socket.create_connection(("127.0.0.1", port or 0)) as leaving:
        leaving.sendall(
            b"POST /contacts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\nContent-Length: 99\r\n\r\n{"
        )
    client.created(email="ada@example.com")
    assert len(sandbox.contacts()) == 1
    assert caplog.records == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_in_order(tmp_path: Path, name: str) -> None:
    data = tmp_path / "drift.db"
    command = [sys.executable, "-c", SERVE, str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        with Client(url) as client:
            client.created(email="ada@example.com")
            # A connection that stays open does not keep it from ending.
            process.send_signal(getattr(signal, name))
            assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""
    with Sandbox(data=data) as sandbox:
        assert sandbox.contact_by_email("ada@example.com") is not None
