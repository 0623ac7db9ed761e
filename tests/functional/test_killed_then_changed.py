"""A run is killed while Drift answers, and the model changes before the next one: what was under way is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.delivery import pump
from dbt_drift.ledger.sync_ledger import SyncLedger

if TYPE_CHECKING:
    from tests.support.harness import Bench

VIP = {"tag": "VIP", "mode": "mirror", "when": "vip"}
FIELDS = {"email": "email", "plan": "plan"}


class KilledError(BaseException):
    """As if the process had ended here."""


def die_unjournaled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sync, and die when every contact is written and none is in the journal."""
    real = SyncLedger.record

    def record(ledger: SyncLedger, entries: Any) -> None:
        if entries[0].status != "sending":
            raise KilledError
        real(ledger, entries)

    def dead(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(pump, "FLUSH_SECONDS", math.inf)
        patch.setattr(SyncLedger, "record", record)
        patch.setattr(SyncLedger, "finish", dead)
        with pytest.raises(KilledError):
            bench.run()


def people(bench: Bench, **rows: tuple[str | None, bool]) -> None:
    """Write the model: each one's plan and whether they are a VIP."""
    values = ", ".join(
        f"('{name}@example.com', {'null' if plan is None else repr(plan)}, {str(vip).lower()})"
        for name, (plan, vip) in rows.items()
    )
    select = f"select email, cast(plan as varchar(20)) as plan, vip from (values {values}) as t(email, plan, vip)"
    bench.table("people", select)


def declare(bench: Bench, *audiences: dict[str, Any], **plan: Any) -> None:
    fields = {"email": "email", "plan": {"column": "plan", **plan}}
    bench.declare("people", {"fields": fields, "audiences": list(audiences)})


def finish(bench: Bench) -> None:
    """Sync, and once more: the second time nothing is left to do."""
    bench.forget_project()
    assert bench.sync(max_removals=math.inf).status == "success"
    bench.forget_project()
    assert bench.sync(max_removals=math.inf).requests == 0


def held(bench: Bench) -> dict[str, tuple[Any, set[str]]]:
    contacts = bench.sandbox.contacts()
    found = {str(one.email).partition("@")[0]: (one.attributes.get("plan"), set(one.tags)) for one in contacts}
    assert len(found) == len(contacts)
    return found


def test_a_mirrored_tag_is_taken_from_those_who_left_the_audience(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(bench, VIP)
    people(bench, ada=("team", True), bob=("team", True), eve=("team", True))
    die_unjournaled(bench, monkeypatch)
    assert held(bench)["ada"] == ("team", {"VIP"})
    people(bench, ada=("team", False), eve=("team", True))  # Bob's row has left the model altogether
    finish(bench)
    assert held(bench) == {"ada": ("team", set()), "bob": ("team", set()), "eve": ("team", {"VIP"})}


def test_a_tag_that_was_being_taken_away_comes_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(bench, VIP)
    people(bench, ada=("team", True))
    bench.sync()
    people(bench, ada=("team", False))
    die_unjournaled(bench, monkeypatch)
    assert held(bench)["ada"] == ("team", set())
    people(bench, ada=("team", True))
    finish(bench)
    assert held(bench)["ada"] == ("team", {"VIP"})


@pytest.mark.parametrize(("plan", "nulls"), [("free", "skip"), (None, "clear")])
def test_a_value_that_changes_back_or_becomes_null_is_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, plan: str | None, nulls: str
) -> None:
    bench.sandbox.change(nulls="clear")
    declare(bench, nulls=nulls)
    people(bench, ada=(plan, False), bob=("free", False))
    bench.sync()
    people(bench, ada=("team", False), bob=("free", False))
    die_unjournaled(bench, monkeypatch)
    assert held(bench)["ada"][0] == "team"
    people(bench, ada=(plan, False), bob=("free", False))
    finish(bench)
    assert held(bench) == {"ada": (plan, set()), "bob": ("free", set())}


def test_a_new_contact_whose_row_has_left_is_no_member(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(bench, VIP)
    people(bench, eve=("team", False))
    bench.sync()
    people(bench, eve=("team", False), ada=("team", True))
    die_unjournaled(bench, monkeypatch)
    people(bench, eve=("team", False))
    finish(bench)
    assert held(bench) == {"eve": ("team", set()), "ada": ("team", set())}


def test_a_new_contact_of_which_only_the_key_is_mapped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but its address was under way, and it was not sent: it may not pass for known."""
    bench.declare("people", {"fields": {"email": "email"}})
    people(bench, ada=("team", True))
    with monkeypatch.context() as patch:
        patch.setattr(pump.Pump, "_submit", lambda _: (_ for _ in ()).throw(KilledError))
        patch.setattr(SyncLedger, "finish", lambda *_, **__: None)
        with pytest.raises(KilledError):
            bench.run()
    assert held(bench) == {}
    finish(bench)
    assert list(held(bench)) == ["ada"]


def test_an_attribute_in_the_place_of_a_tag(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(bench, {"attribute": "is_vip", "mode": "mirror", "when": "vip"})
    people(bench, ada=("team", True), bob=("team", True))
    die_unjournaled(bench, monkeypatch)
    people(bench, bob=("team", False))
    finish(bench)
    assert [bench.contact(f"{name}@example.com")["is_vip"] for name in ("ada", "bob")] == [False, False]


def test_tags_that_a_column_names(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(bench, {"tag_from": "plan", "mode": "mirror"})
    people(bench, ada=("team", True), bob=("team", True))
    die_unjournaled(bench, monkeypatch)
    people(bench, ada=("gold", True))  # nobody is in the team any more: the column does not name it
    finish(bench)
    assert held(bench) == {"ada": ("gold", {"gold"}), "bob": ("team", set())}


def test_an_audience_that_is_no_longer_declared(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(bench, VIP)
    people(bench, ada=("team", True))
    die_unjournaled(bench, monkeypatch)
    declare(bench)
    (notice,) = [text for text in notices(bench) if "VIP" in text]
    assert 'untag people "VIP"' in notice


def notices(bench: Bench) -> list[str]:
    from dbt_drift.binding.prepare import prepare  # noqa: PLC0415
    from dbt_drift.binding.undeclared_tags import warnings  # noqa: PLC0415

    return warnings(prepare(bench.options()))
