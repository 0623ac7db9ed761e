"""An answer of Drift's that cannot be read is the matter of its contact: the others are synced, and the run reports."""

from __future__ import annotations

import json
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from dbt_drift.drift.http.retry_policy import RetryPolicy
from tests.support.command_line import project_of, start_process
from tests.support.harness import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

ODD = "p7@example.com"


class OddDrift(BaseHTTPRequestHandler):
    """A Drift that knows everybody by the name Old, and one of them by what no sandbox would say."""

    protocol_version = "HTTP/1.1"
    odd_name: ClassVar[bytes] = b'"Old"'
    drips = threading.Event()
    written: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        emails = parse_qs(urlsplit(self.path).query).get("email")
        if not emails:
            self._answer(b"{}", status=404)
            return
        (email,) = emails
        name = self.odd_name if email == ODD else b'"Old"'
        number = email[1:].partition("@")[0].encode()
        self._answer(b'{"data":[{"id":%s,"attributes":{"email":"%s","name":%s}}]}' % (number, email.encode(), name))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"authenticated_userid":"orgId:1"}')

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        number = self.path.rpartition("/")[2]
        self.written.append(number)
        if self.drips.is_set() and number == "7":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            while self.drips.is_set():
                self.wfile.write(b" ")
                time.sleep(0.1)
        else:
            self._answer(b"{}")

    def _answer(self, body: bytes, *, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def environment(people: Bench) -> Iterator[dict[str, str]]:
    people.table("people", "select 'p' || i || '@example.com' as email, 'New' as name from range(10, 30) as t(i)")
    people.execute(f"insert into $.people values ('{ODD}', 'New')")
    OddDrift.written.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), OddDrift) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield {"DRIFT_API_URL": f"http://127.0.0.1:{server.server_port}", "DRIFT_ACCESS_TOKEN": TOKEN}
        OddDrift.drips.clear()
        server.shutdown()
        serving.join()


@pytest.mark.parametrize(
    ("name", "is_written"),
    [(b"1e999", True), (b'"\xff"', True), (b"[" * 50_000 + b"]" * 50_000, False), (b'"\\ud800"', False)],
    ids=["too large", "no UTF-8", "too deep", "half a character"],
)
def test_what_cannot_be_read_costs_its_row_at_most(
    people: Bench,
    dbt_drift: CommandLine,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    name: bytes,
    *,
    is_written: bool,
) -> None:
    monkeypatch.setattr(OddDrift, "odd_name", name)
    monkeypatch.setattr("dbt_drift.drift.engine.client.RetryPolicy", lambda: RetryPolicy(tries=3, first_delay=0.01))
    done = dbt_drift("sync", "--output", "json", *project_of(people), environment=environment)
    (result,) = json.loads(done.out)["results"]
    assert result["reasons"] == ({} if is_written else {"gave_up": 1}), done.err
    assert done.code == (0 if is_written else 1)
    assert len(set(OddDrift.written)) == 20 + is_written
    assert (people.target / "drift_results.json").exists()


def test_one_sigterm_ends_a_run_with_an_answer_that_does_not_end(people: Bench, environment: dict[str, str]) -> None:
    OddDrift.drips.set()
    running = start_process("sync", "--output", "json", *project_of(people), environment=environment)
    while len(OddDrift.written) < 21:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=60)  # how long stopping waits is a matter of test_dispatcher.py
    assert running.returncode == 1, err
    rows: Any = json.loads(out)["results"][0]["rows"]
    assert (rows["sent"], rows["unfinished"]) == (20, 1)
    # What was answered is in the ledger: only the one is asked for again.
    OddDrift.drips.clear()
    OddDrift.written.clear()
    again = start_process("sync", *project_of(people), environment=environment)
    again.communicate(timeout=100)
    assert (again.returncode, OddDrift.written) == (0, ["7"])
