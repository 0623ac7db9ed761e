"""Sending everything again, and getting a lost ledger back: without a second contact, without a lost tag."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dbt_drift.ledger.sync_ledger import SyncLedger
from dbt_drift.sandbox.behaviour import Fault
from tests.functional.test_matching import BY_ID
from tests.functional.test_matching import people as people_with_ids
from tests.support.ledgers import command, people, rows_of

if TYPE_CHECKING:
    import pytest

    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench


def lose(bench: Bench) -> None:
    bench.warehouse.execute(f"drop schema {bench.ledger} cascade")


def test_full_refresh_sends_everything_again_and_makes_no_second_contact(bench: Bench) -> None:
    people(bench, 3)
    bench.sync()
    before = [contact.id for contact in bench.sandbox.contacts()]
    bench.requests()
    bench.declare("people", bench.declared("people"))  # a run of its own: it knows that tags have been seen

    result = bench.sync(full_refresh=True)
    assert (result.rows.sent, result.contacts.updated, result.contacts.created) == (3, 3, 0)
    assert result.contacts.tags_added == 3
    assert bench.requests() == 6  # attributes and tags, no look-ups: the ids are known
    assert [contact.id for contact in bench.sandbox.contacts()] == before
    assert bench.sync().requests == 0


def test_a_full_refresh_counts_a_contact_that_has_nothing_but_its_key_as_unchanged(bench: Bench) -> None:
    people(bench, 2)
    bench.execute("update $.people set name = null, vip = false where name = 'Name 2'")
    bench.sync()
    assert {contact.email for contact in bench.sandbox.contacts()} == {"p1@example.com", "p2@example.com"}

    result = bench.sync(full_refresh=True)
    assert (result.rows.sent, result.rows.unchanged, result.contacts.matched) == (1, 1, 0)


def test_after_a_full_refresh_a_mirror_still_knows_whom_it_gave_its_tag(bench: Bench) -> None:
    people(bench, 4)
    bench.sync()
    bench.execute("delete from $.people where name = 'Name 1'; update $.people set vip = false where name = 'Name 2'")
    result = bench.sync(full_refresh=True)
    assert (result.rows.departed, result.contacts.tags_removed) == (1, 2)
    assert [bench.tags(f"p{i}@example.com") for i in (1, 2, 3)] == [set(), set(), {"VIP"}]
    assert bench.sync().requests == 0


def test_a_full_refresh_that_breaks_off_is_finished_by_the_next_sync(bench: Bench) -> None:
    people(bench, 10)
    bench.sync()
    bench.workers = 1
    bench.sandbox.change(faults=[Fault(status=401, skip=8)])
    first = bench.sync(full_refresh=True)
    assert first.status == "error"
    assert 0 < first.rows.sent < 10
    bench.sandbox.change(faults=[])
    rest = bench.sync()
    assert first.rows.sent + rest.rows.sent >= 10
    assert bench.sync().requests == 0


def test_a_rebuild_brings_back_a_lost_ledger_and_writes_nothing(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 5)
    bench.sync()
    contacts = bench.sandbox.contacts()
    lose(bench)
    bench.sandbox.reset("requests")

    done = command(bench, dbt_drift, "rebuild")
    assert done.code == 0, done
    assert "5 contacts found and remembered, 0 not in Drift" in done.out
    assert {(method, count) for (method, _, _), count in bench.sandbox.counts().items()} == {
        ("GET", 5),
        ("POST", 1),
    }  # for the organisation
    assert bench.sandbox.contacts() == contacts
    assert len(rows_of(bench, "drift_contacts", "contact_id")) == 5
    assert bench.sync().requests == 0  # tags included
    assert "rebuild" in command(bench, dbt_drift, "status").out
    bench.sandbox.reset("requests")
    assert command(bench, dbt_drift, "rebuild").code == 0
    # The organisation is asked for, and nobody is looked up twice.
    assert bench.sandbox.counts() == {("POST", "/app/token_info", 200): 1}


def test_after_a_rebuild_only_what_differs_is_sent(bench: Bench, dbt_drift: CommandLine) -> None:
    people(bench, 5)
    bench.sync()
    lose(bench)
    bench.execute(
        "update $.people set name = 'New' where name = 'Name 1'; "
        "update $.people set vip = false where name = 'Name 2'; "
        "delete from $.people where name = 'Name 3'; insert into $.people values ('p6@example.com', 'Name 6', true); "
        "insert into $.people values ('bad', 'Bad', true)"
    )
    assert command(bench, dbt_drift, "rebuild").code == 0
    plan = {change.key: change for change in bench.plan().changes}
    assert plan.keys() == {"p1@example.com", "p6@example.com"}
    assert plan["p1@example.com"].attributes == {"name": ("null", '"New"')}
    assert plan["p1@example.com"].add_tags == []
    assert plan["p6@example.com"].action == "new"
    result = bench.sync()
    assert (result.contacts.updated, result.contacts.created, result.rows.invalid) == (1, 1, 1)
    assert bench.tags("p2@example.com") == {"VIP"}  # nobody remembers who gave it

    bench.execute("update $.people set vip = false where name = 'New'")
    assert bench.sync().contacts.tags_removed == 1  # one that the rebuild found is the mirror's own


def test_a_rebuild_that_is_killed_goes_on_where_it_was(
    bench: Bench, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(bench, 6)
    bench.sync()
    lose(bench)
    bench.requests()
    monkeypatch.setattr("dbt_drift.delivery.pump.FLUSH_ROWS", 1)
    real = SyncLedger.record
    records: list[int] = []

    def dying(ledger: SyncLedger, entries: Any) -> None:
        if len(records) == 2:
            raise KeyboardInterrupt
        records.append(len(entries))
        real(ledger, entries)

    bench.sandbox.change(latency_ms=20)  # so that the answers come one by one
    with monkeypatch.context() as patch:
        patch.setattr(SyncLedger, "record", dying)
        done = command(bench, dbt_drift, "rebuild", "--threads", "1")
        assert done.code == 130
    bench.sandbox.change(latency_ms=0)
    remembered = sum(records)
    bench.requests()
    assert command(bench, dbt_drift, "rebuild").code == 0
    assert bench.requests() == 6 - remembered
    assert bench.sync().requests == 0


def test_a_rebuild_that_is_killed_asks_again_for_at_most_500_contacts(
    bench: Bench, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(bench, 1000)
    bench.sandbox.seed({"email": f"p{i}@example.com", "name": f"Name {i}"} for i in range(1, 1001))

    def dying(*_: Any) -> None:
        asked = -1
        while asked < (asked := len(bench.sandbox.requests())):
            time.sleep(0.5)  # a warehouse so slow that all that is under way is answered meanwhile
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SyncLedger, "record", dying)
        assert command(bench, dbt_drift, "rebuild").code == 130
    lost = bench.requests()
    assert 250 <= lost <= 500
    assert command(bench, dbt_drift, "rebuild").code == 0
    assert bench.requests() == 1000


def test_a_rebuild_by_external_id(bench: Bench, dbt_drift: CommandLine) -> None:
    people_with_ids(bench, (41, "ada@example.com", "Ada"), (42, "bob@example.com", "Bob"))
    bench.declare("people", BY_ID)
    bench.sandbox.seed([{"email": "bob@example.com", "name": "Bob"}])  # no externalId: that has to be sent
    bench.sandbox.seed([{"email": "ada@example.com", "externalId": "41", "name": "Ada"}])
    assert command(bench, dbt_drift, "rebuild").code == 0
    assert [(change.key, change.action) for change in bench.plan().changes] == [("42", "new")]
    assert bench.sync().rows.sent == 1
    assert bench.contact("bob@example.com")["externalId"] == "42"
    assert len(bench.sandbox.contacts()) == 2
