"""People are told once that something is wrong, and once that it is well again, whatever their channel does."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from dbt_drift.alerts.deliver import SECONDS
from dbt_drift.errors import ConfigurationError, DeclarationError
from dbt_drift.sandbox.behaviour import Fault
from tests.support import public
from tests.support.command_line import project_of
from tests.support.harness import Bench, Recorder
from tests.support.ledgers import FIELDS, command, people, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from dbt_drift.delivery.results import Results
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject

SECRET = b"planted-secret-of-the-webhook-1"
SIGNED = f"whsec_{base64.b64encode(SECRET).decode()}"


class Slack:
    """A local server that plays Slack, Teams and a webhook of one's own, and keeps what it gets."""

    def __init__(self, server: HTTPServer) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.url = server.url_for("").rstrip("/")
        server.expect_request("/api/chat.postMessage").respond_with_handler(self._post)
        server.expect_request("/teams").respond_with_handler(self._take)
        server.expect_request("/hook").respond_with_handler(self._take)
        server.expect_request("/slack").respond_with_handler(self._take)

    @property
    def environment(self) -> dict[str, str]:
        """What names all three channels, Slack by a bot."""
        return {
            "DRIFT_ALERTS_SLACK_API": f"{self.url}/api",
            "DRIFT_ALERTS_SLACK_TOKEN": "xoxb-planted-secret",
            "DRIFT_ALERTS_SLACK_CHANNEL": "C0123",
            "DRIFT_ALERTS_TEAMS_WEBHOOK": f"{self.url}/teams",
            "DRIFT_ALERTS_WEBHOOK": f"{self.url}/hook",
            "DRIFT_ALERTS_WEBHOOK_SECRET": SIGNED,
        }

    def texts(self, path: str) -> list[str]:
        """Return what a path got since the last call, as text."""
        found = [json.dumps(document) for at, _, document in self.got if at == path]
        self.got = [one for one in self.got if one[0] != path]
        return found

    def _take(self, request: Request) -> Response:
        if self.status == 200:
            self.got.append((request.path, dict(request.headers), json.loads(request.data)))
        return Response("ok", self.status)

    def _post(self, request: Request) -> Response:
        taken = self._take(request)
        answer = {"ok": True, "ts": f"1700000000.{len(self.got):06d}", "channel": "C0123"}
        return Response(json.dumps(answer), taken.status_code)


@pytest.fixture
def slack(httpserver: HTTPServer) -> Slack:
    return Slack(httpserver)


def sync(bench: Bench, environment: dict[str, str], reporter: Recorder | None = None, **settings: Any) -> Results:
    """Sync with the channels of an environment."""
    return public.sync(bench, reporter, environment=environment, settings=settings)


def test_thirty_nights_of_one_failure_are_one_alert_and_one_recovery(bench: Bench, slack: Slack) -> None:
    people(bench, 3)
    bench.sandbox.change(faults=[Fault(status=401)])
    for night in range(30):
        assert sync(bench, slack.environment).results[0].status == "error"
        if not night:
            (alert,) = slack.texts("/api/chat.postMessage")
            assert "people: the sync broke off (drift_unavailable): rows sent 0, rows read 3" in alert
            assert len(slack.texts("/teams")) == len(slack.texts("/hook")) == 1
    assert slack.got == []
    bench.sandbox.change(faults=[])
    for _ in range(3):
        assert sync(bench, slack.environment).results[0].status == "success"

    paths = [path for path, _, _ in slack.got]
    assert sorted(paths) == ["/api/chat.postMessage", "/hook", "/teams"]
    _, _, recovery = next(one for one in slack.got if one[0] == "/api/chat.postMessage")
    assert recovery["thread_ts"].startswith("1700000000.")
    assert "people: no longer so: the sync broke off" in json.dumps(recovery)
    assert rows_of(bench, "drift_alerts", "*") == []


def test_a_message_holds_counts_and_codes_and_an_owner_and_nothing_of_a_row(bench: Bench, slack: Slack) -> None:
    people(bench, 3)
    bench.execute("update $.people set email = 'ada lovelace' where name = 'Name 1'")
    words = '{"error": {"type": "p2@example.com", "message": "Name 2 is bad"}}'
    bench.sandbox.change(faults=[Fault(status=400, body=words, method="POST", path="/contacts", count=1)])
    node = bench._manifest["nodes"]["model.bench.people"]
    node["config"]["meta"]["owner"] = {"name": "Growth", "email": "growth@example.org"}
    (bench.target / "manifest.json").write_text(json.dumps(bench._manifest))

    results = sync(bench, slack.environment, alerts={"slack_ids": {"Growth": "S0G"}})

    assert results.results[0].reasons == {"malformed_email": 1, "http_400": 1}
    everything = json.dumps(slack.got)
    assert "people: rows did not get through: rows 2, malformed_email 1, http_400 1. Owner: Growth" in everything
    assert "<!subteam^S0G>" in everything
    for personal in ("lovelace", "p2@", "Name 2", "is bad"):
        assert personal not in everything


def test_all_syncs_of_a_run_share_one_message(bench: Bench, slack: Slack) -> None:
    for name in ("one", "two", "three"):
        bench.table(name, f"select 'bad' as email, '{name}' as name")
        bench.declare(name, {"fields": {"email": "email", f"of_{name}": "name"}})
    sync(bench, slack.environment)
    (message,) = slack.texts("/teams")
    assert "dbt-drift: 3 problems in bench (target dev)" in message
    assert len(slack.texts("/hook")) == len(slack.texts("/api/chat.postMessage")) == 1


def test_the_threshold_of_rejected_rows(people: Bench, slack: Slack) -> None:
    sync(people, slack.environment, alerts={"rejected": 2})
    assert slack.got == []
    sync(people, slack.environment, alerts={"rejected": 1})
    assert len(slack.texts("/hook")) == 1


def test_a_sync_that_a_guard_holds_back_and_an_empty_model(bench: Bench, slack: Slack) -> None:
    people(bench, 40)
    sync(bench, slack.environment)
    bench.execute("update $.people set vip = false")
    sync(bench, slack.environment)
    (held,) = slack.texts("/hook")
    assert "people" in held
    assert '"kind": "held_back", "cause": "removals"' in held
    bench.execute("delete from $.people")
    sync(bench, slack.environment)
    (empty,) = slack.texts("/hook")
    assert '"kind": "empty", "cause": "empty"' in empty
    assert [one["kind"] for one in json.loads(empty)["recovered"]] == ["held_back"]


def test_far_from_the_last_runs(bench: Bench, slack: Slack) -> None:
    people(bench, 3)
    for _ in range(6):
        assert sync(bench, slack.environment).results[0].status == "success"
    assert slack.got == []
    people(bench, 200)
    sync(bench, slack.environment)
    (far,) = slack.texts("/hook")
    (incident,) = json.loads(far)["opened"]
    assert incident["kind"] == "volume"
    assert incident["counts"] == {"rows read": 200, "usually": 3, "rows sent": 197, "usually sent": 0}


def test_a_sync_that_has_not_succeeded_for_hours(bench: Bench, slack: Slack, dbt_drift: CommandLine) -> None:
    people(bench, 3)
    given = [*project_of(bench)[:-1], f"{{dbt_drift: {{schema: {bench.ledger}, alerts: {{hours: 26}}}}}}"]

    def check() -> tuple[int, str]:
        done = dbt_drift("alerts", "check", *given, environment={**bench.environment, **slack.environment})
        bench.forget_project()
        return done.code, done.out

    well = (0, "Every sync that has run before has succeeded in time.\n")
    assert check() == well
    sync(bench, {})
    assert check() == well
    for table, columns in {"drift_run_syncs": ["finished_at"], "drift_runs": ["started_at", "finished_at"]}.items():
        aged = ", ".join(f"{column} = {column} - interval '30 hours'" for column in columns)
        bench.warehouse.execute(f"update {bench.ledger}.{table} set {aged}")
    for _ in range(2):
        assert check() == (1, "people: no sync has succeeded for long: hours 30\n")
    assert len(slack.texts("/hook")) == 1
    sync(bench, slack.environment, alerts={"hours": 26})
    (recovery,) = slack.texts("/hook")
    assert [one["kind"] for one in json.loads(recovery)["recovered"]] == ["stale"]
    assert "alerts.hours is missing" in command(bench, dbt_drift, "alerts", "check").err


def test_a_run_that_cannot_start(bench: Bench, slack: Slack, dbt_drift: CommandLine) -> None:
    people(bench, 1)
    bench.declare("people", {"fields": {"email": "no_such_column"}})
    for _ in range(2):
        with pytest.raises(DeclarationError):
            sync(bench, slack.environment)
    (alert,) = slack.texts("/hook")
    assert '"kind": "not_started", "cause": "declaration"' in alert
    assert "There is no ledger" in command(bench, dbt_drift, "status").out
    bench.declare("people", {"fields": FIELDS})
    with pytest.raises(ConfigurationError):
        sync(bench, {**slack.environment, "DRIFT_ACCESS_TOKEN": ""})
    assert slack.texts("/hook") == []
    sync(bench, slack.environment)
    assert len(slack.texts("/hook")) == 1


def test_what_a_channel_missed_it_gets_from_the_next_run(bench: Bench, slack: Slack) -> None:
    people(bench, 1)
    bench.execute("update $.people set email = 'bad'")
    slack.status = 404
    reporter = Recorder()
    assert sync(bench, slack.environment, reporter).results[0].status == "warn"
    assert sum("did not arrive: the answer was 404" in notice for notice in reporter.notices) == 3
    assert not any(slack.url in notice for notice in reporter.notices)
    slack.status = 200
    sync(bench, slack.environment)
    sync(bench, slack.environment)
    assert sorted(path for path, _, _ in slack.got) == ["/api/chat.postMessage", "/hook", "/teams"]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
HOSTILE = {
    "silent": (b"", b""),
    "drips its headers": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
    "drips its body": (HEAD, b"x"),
    "endless": (HEAD, b"x" * 65536),
}
"""What a server sends at first, and then for ever."""


def _behave(visitor: socket.socket, first: bytes, then: bytes, stopped: threading.Event) -> None:
    with visitor, contextlib.suppress(OSError):
        visitor.sendall(first)
        while not stopped.wait(0.1 if len(then) < 2 else 0):
            visitor.sendall(then)


@pytest.fixture(params=[*HOSTILE, "shut"])
def hostile(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a server that never comes to an end, or is not there."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/a-secret-path"
    stopped = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = listener.accept()
                told = (visitor, *HOSTILE[request.param], stopped)
                threading.Thread(target=_behave, args=told, daemon=True).start()

    if request.param == "shut":
        listener.close()
    else:
        threading.Thread(target=serve, daemon=True).start()
    yield address
    stopped.set()
    listener.close()


def test_a_channel_that_is_down_slow_or_hostile_costs_five_seconds_and_no_result(people: Bench, hostile: str) -> None:
    reporter = Recorder()
    started = time.monotonic()
    sync(people, {})
    plain = time.monotonic() - started
    started = time.monotonic()
    channels = {"DRIFT_ALERTS_SLACK_API": hostile, "DRIFT_ALERTS_SLACK_TOKEN": "t", "DRIFT_ALERTS_SLACK_CHANNEL": "c"}
    results = sync(people, {**channels, "DRIFT_ALERTS_TEAMS_WEBHOOK": hostile}, reporter)

    assert (results.results[0].status, results.exit_code) == ("warn", 1)
    assert time.monotonic() - started < SECONDS + plain + 3  # the machine's share
    assert any("The alert to slack did not arrive" in notice for notice in reporter.notices)
    assert not any("secret" in notice for notice in reporter.notices)


def test_a_signature_that_standard_webhooks_takes(people: Bench, slack: Slack) -> None:
    sync(people, slack.environment)
    _, headers, document = next(one for one in slack.got if one[0] == "/hook")
    sent = {name.lower(): value for name, value in headers.items()}
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.{body}".encode()
    expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{expected}"
    assert abs(int(sent["webhook-timestamp"]) - time.time()) < 60
    assert document["type"] == "dbt_drift.alert"


def test_names_that_are_markup_stay_text(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, slack: Slack
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    hostile = "a<!channel>[x](http://evil)"
    bench.table('"' + hostile + '"', "select 'bad' as email")
    bench.declare(hostile, {"fields": {"email": "email"}})
    sync(bench, slack.environment)
    for _, _, document in slack.got:
        for part in _every_dict(document):
            if part.get("type") in {"mrkdwn", "TextBlock"}:
                assert hostile not in part["text"]
    assert hostile in json.dumps(slack.got)


def _every_dict(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _every_dict(part)


def test_a_test_alert_reaches_each_channel(dbt_drift: CommandLine, slack: Slack) -> None:
    done = dbt_drift("alerts", "test", environment=slack.environment)
    assert (done.code, done.out.count("the test alert has arrived")) == (0, 3)
    assert "dbt_drift.test" in slack.texts("/hook")[0]
    slack.status = 403
    refused = dbt_drift("alerts", "test", environment=slack.environment)
    assert (refused.code, refused.out.count("the answer was 403")) == (2, 3)
    hook = dbt_drift("alerts", "test", environment={"DRIFT_ALERTS_SLACK_WEBHOOK": f"{slack.url}/slack"})
    assert hook.code == 2


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "No channel for alerts is configured"),
        ({"DRIFT_ALERTS_TEAMS_WEBHOOK": "http://example.com/secret"}, "DRIFT_ALERTS_TEAMS_WEBHOOK is no https URL"),
        ({"DRIFT_ALERTS_WEBHOOK": "https://example.com"}, "not 24 to 64 bytes in base64"),
        ({"DRIFT_ALERTS_SLACK_TOKEN": "xoxb-1"}, "DRIFT_ALERTS_SLACK_CHANNEL is not"),
    ],
)
def test_a_channel_that_cannot_be_used(dbt_drift: CommandLine, environment: dict[str, str], said: str) -> None:
    done = dbt_drift("alerts", "test", environment=environment)
    assert (done.code, said in done.err) == (2, True)
    assert "secret" not in done.err


def test_a_wrong_channel_does_not_stop_a_sync(people: Bench) -> None:
    reporter = Recorder()
    results = sync(people, {"DRIFT_ALERTS_TEAMS_WEBHOOK": "http://example.com"}, reporter)
    assert results.results[0].status == "warn"
    assert any("Nobody was alerted" in notice for notice in reporter.notices)


def test_without_channels_the_ledger_has_no_table_for_them(people: Bench) -> None:
    sync(people, {})
    tables = people.warehouse.rows("select table_name from information_schema.tables where table_name = 'drift_alerts'")
    assert tables == []


def test_a_run_for_one_contact_tells_nothing(bench: Bench, slack: Slack) -> None:
    people(bench, 3)
    bench.sandbox.change(faults=[Fault(status=401)])
    results = public.sync(bench, environment=slack.environment, keys=["p1@example.com"])
    assert (results.results[0].status, results.results[0].rows.read) == ("error", 1)
    assert slack.got == []
