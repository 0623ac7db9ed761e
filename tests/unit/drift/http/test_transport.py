"""What happens on the wire, with real sockets."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from dbt_drift import __version__
from dbt_drift.drift.http import endpoints
from dbt_drift.drift.http.connection import UnsentError
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.transport import NoAnswerError, Timeouts, Transport
from dbt_drift.errors import ConfigurationError
from tests.support.wire_server import RESET, SILENCE, DrippingServer, WireServer, http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dbt_drift.drift.http.messages import Request, Response

TOKEN = AccessToken("s3cret-token")
EMAIL = "ada@example.com"
READ = endpoints.read_contact(5)
WRITE = endpoints.update_contact(5, {"email": EMAIL})
CONTACT = b'{"data":{"id":5,"attributes":{"name":"Ada"}}}'


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def exchange(server: WireServer, *requests: Request, timeouts: Timeouts | None = None) -> list[Response]:
    transport = Transport(server.url, timeouts=timeouts)
    try:
        return [transport.send(request, TOKEN) for request in requests]
    finally:
        transport.close()


def failure(*answers: bytes, request: Request = READ, timeouts: Timeouts | None = None) -> NoAnswerError:
    with WireServer(list(answers)) as server:
        try:
            exchange(server, request, timeouts=timeouts)
        except NoAnswerError as error:
            # A traceback would keep the answer, and with it the connection, from ending before the server does.
            return error.with_traceback(None)
    pytest.fail("an answer was made of it")


def test_what_is_sent() -> None:
    with WireServer([http(200, CONTACT)]) as server:
        (response,) = exchange(server, WRITE)
    line, *headers = server.heads[0].split("\r\n")
    assert line == "PATCH /contacts/5 HTTP/1.1"
    assert set(headers) >= {
        "Authorization: Bearer s3cret-token",
        "Content-Type: application/json",
        "Accept: application/json",
        f"User-Agent: dbt-drift/{__version__}",
    }
    assert (response.status, response.body) == (200, CONTACT)


def test_the_connection_is_kept_open() -> None:
    answers = [http(200, CONTACT), http(200), http(404, b"<html>"), http(200, CONTACT)]
    with WireServer(answers) as server:
        responses = exchange(server, READ, WRITE, READ, READ)
    assert server.connections == 1
    assert [response.reused for response in responses] == [False, True, True, True]
    assert endpoints.contact_in(responses[3].data).id == 5


def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    with WireServer([http(200, CONTACT, "Connection: close")] * 2) as server:
        exchange(server, READ, READ)
    assert server.connections == 2


def test_a_body_that_was_compressed_unasked() -> None:
    error = failure(http(200, gzip.compress(CONTACT), "Content-Encoding: gzip"))
    assert (str(error), error.heard) == ("status 200 with a body encoded as 'gzip', unasked", True)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_an_end(monkeypatch: pytest.MonkeyPatch, *, chunked: bool) -> None:
    monkeypatch.setattr("dbt_drift.drift.http.transport.MOST_BYTES", 2**20)
    head = b"HTTP/1.1 200 OK\r\n"
    if chunked:
        answer = head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 2**16 + b"\r\n") * 100
    else:
        answer = head + b"Content-Length: 999999999999\r\n\r\n" + b"x" * 2**16 * 100
    error = failure(answer)
    assert (str(error), error.heard) == ("status 200 with more than 1,048,576 bytes", True)


@pytest.mark.parametrize(
    "drops",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b"x"] * 500],
        [b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 90],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 500,
    ],
    ids=["body", "headers", "100 Continue"],
)
def test_an_answer_that_comes_drop_by_drop_has_a_deadline(drops: list[bytes]) -> None:
    began = time.monotonic()
    with DrippingServer(drops, every=0.02) as server:
        transport = Transport(server.url, timeouts=Timeouts(read=0.3))
        with pytest.raises(NoAnswerError, match=r"^no answer within 0\.3 s$"):
            transport.send(READ, TOKEN)
        transport.close()
    assert 0.25 < time.monotonic() - began < 1.5


class TestMayWrite:
    def test_what_may_not_be_written_any_more_stays_here(self) -> None:
        with WireServer([http(200, CONTACT)]) as server:
            transport = Transport(server.url, may_write=lambda: False)
            with pytest.raises(UnsentError):
                transport.send(WRITE, TOKEN)
            assert transport.send(READ, TOKEN).good
            transport.close()
        assert [head.split()[0] for head in server.heads] == ["GET"]

    def test_it_is_asked_when_the_connection_stands(self) -> None:
        """Making one can take long, and a machine may sleep in it."""
        connections: list[int] = []
        with WireServer([http(200, CONTACT)] * 2) as server:

            def may_write() -> bool:
                while not server.connections:
                    time.sleep(0.001)
                connections.append(server.connections)
                return True

            transport = Transport(server.url, may_write=may_write)
            assert transport.send(WRITE, TOKEN).good
            assert transport.send(WRITE, TOKEN).good
            transport.close()
        assert set(connections) == {1}

    def test_a_body_is_given_up_too(self) -> None:
        """What the server has then is no request, and it does not act on it."""
        answers = iter([True, False])
        with WireServer([]) as server:
            transport = Transport(server.url, may_write=lambda: next(answers))
            with pytest.raises(UnsentError):
                transport.send(WRITE, TOKEN)
            transport.close()
        assert server.heads == []


def test_netrc_does_not_replace_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with WireServer([http(200, CONTACT)]) as server:
        exchange(server, READ)
    assert "Authorization: Bearer s3cret-token" in server.heads[0]


def test_a_redirect_is_not_followed() -> None:
    with WireServer([http(302, b"", "Location: http://127.0.0.1:1/stolen")]) as server:
        assert exchange(server, READ)[0].status == 302
    assert len(server.heads) == 1


def test_a_wait_that_is_asked_for() -> None:
    with WireServer([http(429, b"", "retry-after: 7")]) as server:
        assert exchange(server, READ)[0].retry_after == 7


@pytest.mark.parametrize("body", [b"", b"<html>sign in</html>", b'{"data":', b'{"data":{"id":"five"}}', b"[]"])
def test_a_good_answer_that_cannot_be_read(body: bytes) -> None:
    error = failure(http(200, body))
    assert error.heard


@pytest.mark.parametrize("body", [b"", b"<html>fine</html>"])
def test_where_the_status_says_it_all_the_body_does_not_matter(body: bytes) -> None:
    with WireServer([http(200, body)]) as server:
        assert exchange(server, WRITE)[0].good


def test_a_cut_body() -> None:
    assert not failure(http(200, CONTACT, "Connection: close")[:-7]).heard


def test_a_cut_chunked_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert not failure(head + b"ff\r\n{").heard


def test_a_reset() -> None:
    assert str(failure(RESET)) == "connection reset by peer"


def test_no_http_at_all() -> None:
    assert not failure(b"220 smtp ready\r\n\r\n\r\nConnection: close").heard


def test_no_answer_in_time() -> None:
    assert str(failure(SILENCE, timeouts=Timeouts(read=0.05))) == "no answer within 0.05 s"


def test_an_answer_that_stops_in_the_middle_for_too_long() -> None:
    error = failure(http(200, CONTACT)[:-7], timeouts=Timeouts(read=0.05))
    assert str(error) == "no answer within 0.05 s"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswerError, match=r"^connection refused$"):
        Transport(f"http://127.0.0.1:{port}").send(READ, TOKEN)


def test_an_unknown_host() -> None:
    with pytest.raises(NoAnswerError, match=r"^its host name is not known$"):
        Transport("https://drift.invalid").send(READ, TOKEN)


def test_errors_do_not_hold_the_query() -> None:
    error = failure(RESET, request=endpoints.find_by_email(EMAIL))
    seen = f"{error!r} {error.__cause__!r}"
    assert "ada" not in seen


class TestProxies:
    def test_a_proxy_of_the_environment_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with WireServer([http(503, b"", "Connection: close")]) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            with pytest.raises(NoAnswerError, match="proxy"):
                Transport("https://driftapi.com").send(READ, TOKEN)
        assert proxy.heads[0].startswith("CONNECT driftapi.com:443")
        assert "s3cret" not in proxy.heads[0]

    @pytest.mark.parametrize("proxy", ["http://[::1", "socks5h://user:s3cret-pass@localhost:1"])
    def test_a_proxy_that_cannot_be_used(self, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as error:
            Transport("https://driftapi.com")
        assert "s3cret" not in str(error.value)

    def test_a_proxy_gets_its_password_and_drift_the_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with WireServer([http(503, b"", "Connection: close")]) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:pass@"))
            with pytest.raises(NoAnswerError, match="proxy"):
                Transport("https://driftapi.com").send(READ, TOKEN)
        assert "Proxy-Authorization: Basic dXNlcjpwYXNz" in proxy.heads[0].split("\r\n")

    def test_no_proxy_is_honoured(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with WireServer([]) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "drift.invalid")
            with pytest.raises(NoAnswerError, match="host name"):
                Transport("https://drift.invalid").send(READ, TOKEN)
        assert not proxy.heads

    def test_a_proxy_never_sees_a_loopback_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with WireServer([]) as proxy, WireServer([http(200, CONTACT)]) as server:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            exchange(server, READ)
        assert not proxy.heads


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate for 127.0.0.1, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    subprocess.run(
        (
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {key} "
            f"-out {certificate} -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
        ).split(),
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


class TestTls:
    @pytest.fixture
    def server(self, certificate: Path) -> Iterator[WireServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with WireServer([http(200, CONTACT)] * 2, context) as server:
            yield server

    def test_an_unknown_certificate_is_refused(self, server: WireServer) -> None:
        with pytest.raises(NoAnswerError, match="certificate is not trusted: self"):
            exchange(server, READ)
        assert not server.heads

    def test_a_bundle_of_the_environment_is_used(
        self, server: WireServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert [response.status for response in exchange(server, READ, READ)] == [200, 200]
        assert server.connections == 1

    def test_a_certificate_for_another_name_is_refused(
        self, server: WireServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with pytest.raises(NoAnswerError, match="certificate is not trusted: Hostname mismatch"):
            Transport(f"https://localhost:{server.port}").send(READ, TOKEN)

    def test_a_bundle_that_is_missing(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
        with pytest.raises(ConfigurationError, match=r"none\.pem.*REQUESTS_CA_BUNDLE|none\.pem"):
            Transport("https://driftapi.com")
