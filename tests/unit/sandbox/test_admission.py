"""What is let in, asked with raw bytes: clients and libraries would put the heads right."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.sandbox_client import Client

LOOK_UP = "GET /contacts?email=ada@example.com"
CREATE = "POST /contacts"
CONTROL = "GET /_sandbox/contacts"
PAGE = "GET /"
BODY = b'{"attributes": {"email": "eve@example.com"}}'
TOO_MUCH = 900 * 1024 * 1024


def asked(sandbox: Sandbox, line: str, *headers: str, body: bytes = b"", length: int | None = None) -> tuple[int, str]:
    """Send a request as it is given, and return the status and the text of the answer."""
    port = urlsplit(sandbox.url).port or 0
    head = [f"{line} HTTP/1.1", "Authorization: Bearer x", "Connection: close", *headers]
    if not any(header.startswith("Transfer-Encoding") for header in headers):
        head.append(f"Content-Length: {len(body) if length is None else length}")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as opened:
        opened.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.rstrip().endswith((b"}", b">")):
            if not (more := opened.recv(65536)):
                break
            answer += more
    return int(answer.split()[1]), answer.decode("utf-8", "replace")


def host(sandbox: Sandbox) -> str:
    return f"127.0.0.1:{urlsplit(sandbox.url).port}"


@pytest.mark.parametrize("line", [LOOK_UP, CREATE, CONTROL, PAGE, "GET /nowhere"])
@pytest.mark.parametrize(
    "named",
    ["evil.example", "evil.example@127.0.0.1", "127.0.0.1.evil.example", "127.0.0.1:8484@evil", "", "[::1]"],
)
def test_only_the_names_of_this_machine_are_answered(sandbox: Sandbox, line: str, named: str) -> None:
    sandbox.seed([{"email": "ada@example.com"}])
    status, text = asked(sandbox, line, f"Host: {named}", body=BODY if line == CREATE else b"")
    assert status == 403
    assert "127.0.0.1 or localhost only" in text
    assert len(sandbox.contacts()) == 1


def test_a_second_host_is_not_taken(sandbox: Sandbox) -> None:
    assert asked(sandbox, LOOK_UP, "Host: 127.0.0.1", "Host: evil.example")[0] in {400, 403}
    assert asked(sandbox, LOOK_UP)[0] in {400, 403}


@pytest.mark.parametrize("line", [LOOK_UP, CREATE, CONTROL, PAGE])
@pytest.mark.parametrize(
    "mark", ["Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"]
)
def test_pages_of_other_sites_reach_nothing(sandbox: Sandbox, line: str, mark: str) -> None:
    status, text = asked(sandbox, line, f"Host: {host(sandbox)}", mark, body=BODY if line == CREATE else b"")
    assert status == 403
    assert "other sites" in text
    assert sandbox.contacts() == []


@pytest.mark.parametrize("marks", [(), ("Sec-Fetch-Site: none",), ("Sec-Fetch-Site: same-origin", "Origin: http://{}")])
def test_its_own_page_and_programs_are_answered(sandbox: Sandbox, marks: tuple[str, ...]) -> None:
    own = [mark.format(host(sandbox)) for mark in marks]
    for line in (LOOK_UP, CONTROL, PAGE):
        assert asked(sandbox, line, f"Host: {host(sandbox)}", *own)[0] == 200
        assert asked(sandbox, line, "Host: LOCALHOST", *own[:1])[0] == 200


def test_a_link_leads_to_the_page_and_an_app_to_its_sign_in(sandbox: Sandbox) -> None:
    visit = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    sign_in = "GET /authorize?response_type=code&client_id=app&redirect_uri=http://127.0.0.1:1/"
    statuses = [asked(sandbox, line, f"Host: {host(sandbox)}", *visit)[0] for line in (PAGE, sign_in, CONTROL, LOOK_UP)]
    assert statuses == [200, 302, 403, 403]


def test_nothing_is_read_of_what_is_not_let_in(sandbox: Sandbox) -> None:
    started = time.monotonic()
    foreign = asked(sandbox, CREATE, "Host: evil.example", length=TOO_MUCH)
    large = asked(sandbox, CREATE, f"Host: {host(sandbox)}", length=TOO_MUCH)
    assert (foreign[0], large[0]) == (403, 413)
    assert "at most 32 MiB" in large[1]
    assert time.monotonic() - started < 5


def test_a_body_of_unknown_length_is_read_to_the_limit_only(sandbox: Sandbox) -> None:
    piece = b"%x\r\n%s\r\n" % (1 << 20, b"x" * (1 << 20))
    chunked = "Transfer-Encoding: chunked"
    assert asked(sandbox, CREATE, f"Host: {host(sandbox)}", chunked, body=piece * 33 + b"0\r\n\r\n")[0] == 413
    assert asked(sandbox, CREATE, f"Host: {host(sandbox)}", chunked, body=piece * 31 + b"0\r\n\r\n")[0] == 400


def test_bytes_that_are_no_text_are_shown_all_the_same(sandbox: Sandbox, client: Client) -> None:
    sandbox.change(log_contents=True)
    assert asked(sandbox, "GET /contacts/\xff?email=\xfe", f"Host: {host(sandbox)}")[0] in {400, 404}
    assert asked(sandbox, "GET /contacts?email=\xfe", f"Host: {host(sandbox)}")[0] in {200, 400}
    assert client.call("GET", "/_sandbox/requests").status_code == 200
    assert client.call("GET", "/_sandbox/summary").status_code == 200
