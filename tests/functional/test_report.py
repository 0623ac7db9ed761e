"""`dbt-drift report`: one file that says of all syncs how they are, whatever stands in the ledger."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support.big_ledger import fill_ledger
from tests.support.harness import Bench
from tests.support.ledgers import VIP, bring_ledger, command, lock_as, people

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject

HOSTILE = "<script>alert(1)</script>\"'&\u202e<img src=x onerror=alert(2)>"
LIMIT_SECONDS = 10
LIMIT_BYTES = 2_000_000


class Elements(HTMLParser):
    """Which elements and which attributes a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def write(bench: Bench, dbt_drift: CommandLine, *arguments: str) -> str:
    """Return the page that the command writes."""
    done = command(bench, dbt_drift, "report", *arguments)
    assert done.code == 0, done
    path = bench.target / "drift_report.html"
    assert done.out == f"Written to {path}.\n"
    return path.read_text(encoding="utf-8")


def document(bench: Bench, dbt_drift: CommandLine, *arguments: str) -> Any:
    done = command(bench, dbt_drift, "report", "--output", "json", *arguments)
    assert done.code == 0, done
    return json.loads(done.out)


def test_the_page_says_how_each_sync_is(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 30)
    bench.run()
    assert "well</span>" in write(bench, dbt_drift)
    bench.execute("update $.people set email = 'somebody' where name = 'Name 3'")
    bench.execute("update $.people set name = 'New' where name = 'Name 4'")
    bench.sandbox.change(
        faults=[Fault(status=400, body='{"error": {"type": "odd_one", "message": "p4@example.com is odd"}}')]
    )
    bench.run()
    lock_as(bench, "other")

    page = write(bench, dbt_drift)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for words in ("rows did not get through", "30 contacts known", "malformed_email", "p***@example.com is odd", "VIP"):
        assert words in text, words
    assert "p4@example.com" not in page
    assert "elsewhere, since" in text  # the lock
    assert "email: 100% filled" in page
    assert "p4@example.com is odd" in write(bench, dbt_drift, "--keys")

    found = document(bench, dbt_drift)
    (sync,) = found["syncs"]
    assert (sync["name"], sync["status"], sync["remembered"], sync["match_on"]) == ("people", "warn", 30, "email")
    assert sync["audiences"] == [{"tag": "VIP", "mode": "mirror", "members": 30, "is_declared": True}]
    assert sync["attributes"][0] == {"attribute": "email", "column": "email", "filled": 30}
    # Name 4, and the contact whose row is malformed now and who would lose the tag.
    assert {one["reason"]: one["rows"] for one in sync["reasons"]} == {"malformed_email": 1, "odd_one": 2}
    assert [run["status"] for run in found["ledger"]["runs"]] == ["warn", "success"]
    assert "example.com" not in json.dumps(found["ledger"]).replace("***@example.com", "")


def test_before_the_first_sync(people: Bench, dbt_drift: CommandLine) -> None:
    assert "There is no ledger in the schema" in write(people, dbt_drift)
    assert document(people, dbt_drift)["syncs"] == []
    bring_ledger(people)
    assert "nothing to look at" in write(people, dbt_drift)


def test_a_sync_that_another_version_ran_last(people: Bench, dbt_drift: CommandLine) -> None:
    people.run()
    people.warehouse.execute(f"update {people.ledger}.drift_syncs set version = '0.0.1'")
    (sync,) = document(people, dbt_drift)["syncs"]
    assert (sync["name"], sync["unique_id"], sync["rejected"]) == ("people", "", 1)
    assert "no run among the last ones" in write(people, dbt_drift)


def test_names_that_try_to_be_html(
    duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine
) -> None:
    bench = Bench(duckdb_project, tmp_path, sandbox)
    bench.table(
        "people", f"select 'a@example.com' as email, 'x' as \"{HOSTILE.replace(chr(34), chr(34) * 2)}\", true as vip"
    )
    column = HOSTILE
    audiences = [{**VIP[0], "tag": HOSTILE}]
    bench.declare("people", {"fields": {"email": "email", HOSTILE: column}, "audiences": audiences})
    bench.run()
    words = json.dumps({"error": {"type": "odd_one", "message": HOSTILE}})
    bench.sandbox.change(faults=[Fault(status=400, body=words)])
    bench.execute("update $.people set email = 'b@example.com'")
    bench.run()

    page = write(bench, dbt_drift, "--keys")
    elements = Elements(page).found
    assert {tag for tag, _ in elements}.isdisjoint({"script", "img", "iframe", "object", "form", "link"})
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on") or name == "style"]
    assert "\u202e" not in page
    assert page.count("&lt;script&gt;") >= 3


def test_the_page_loads_nothing(people: Bench, dbt_drift: CommandLine) -> None:
    people.run()
    page = write(people, dbt_drift)
    elements = Elements(page).found
    links = [value for _, found in elements for name, value in found.items() if name in {"src", "href", "action"}]
    assert all((link or "").startswith("#") for link in links)
    assert "url(" not in page
    policy = next(found["content"] for tag, found in elements if tag == "meta" and "http-equiv" in found)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_a_page_that_cannot_be_written(people: Bench, dbt_drift: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command(people, dbt_drift, "report", "--file", str(tmp_path / "file" / "page.html"))
    assert (done.code, "cannot be written" in done.err) == (2, True)


def test_a_thousand_runs_of_twenty_syncs_over_a_million_contacts(bench: Bench, dbt_drift: CommandLine) -> None:
    fill_ledger(bench, syncs=20, runs=1_000, contacts=1_000_000)
    started = time.monotonic()
    page = write(bench, dbt_drift, "--runs", "1000")
    seconds = time.monotonic() - started
    assert page.count("50,000 contacts known") == 20
    assert len(page.encode()) < LIMIT_BYTES
    assert seconds < LIMIT_SECONDS, seconds


@pytest.mark.parametrize("arguments", [[], ["--output", "json"]])
def test_a_report_writes_nothing_to_the_warehouse(people: Bench, dbt_drift: CommandLine, arguments: list[str]) -> None:
    people.run()
    before = people.warehouse.rows(f"select count(*) from {people.ledger}.drift_runs")
    command(people, dbt_drift, "report", *arguments)
    assert people.warehouse.rows(f"select count(*) from {people.ledger}.drift_runs") == before
