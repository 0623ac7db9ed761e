"""A plan that somebody approves: what `sync --plan` sends is that, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command_line import project_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command_line import CommandLine, Done
    from tests.support.harness import Bench

DECLARED = {
    "fields": {"email": "email", "name": "name"},
    "audiences": [{"tag": "VIP", "mode": "mirror", "when": "is_vip"}],
}


@pytest.fixture
def planned(bench: Bench, dbt_drift: CommandLine, tmp_path: Path) -> Path:
    """The plan of a first sync of two models."""
    bench.table("people", "select 'p' || i || '@example.com' as email, 'Name' as name, i < 3 as is_vip "
                          "from generate_series(1, 5) as g(i)")  # fmt: skip
    bench.declare("people", DECLARED)
    bench.table("leads", "select 'lead@example.com' as email, 'Lead' as company")
    bench.declare("leads", {"fields": {"email": "email", "employment_name": "company"}})
    done = plan(bench, dbt_drift, tmp_path)
    assert done.code == 0, done.err
    return tmp_path / "plan.json"


def plan(bench: Bench, dbt_drift: CommandLine, folder: Path, *options: str) -> Done:
    return dbt_drift(
        "plan", "--out", str(folder / "plan.json"), "--rows", "0", *options, *project_of(bench),
        environment=bench.environment,
    )  # fmt: skip


def apply(bench: Bench, dbt_drift: CommandLine, file: Path, *options: str) -> Done:
    return dbt_drift("sync", "--plan", str(file), *options, *project_of(bench), environment=bench.environment)


def rewrite(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_plan_is_sent_as_it_was_approved(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    document = json.loads(planned.read_text())
    assert {sync["name"]: (sync["contacts"], sync["new"]) for sync in document["syncs"]} == {
        "people": (5, 5),
        "leads": (1, 1),
    }
    assert "example.com" not in planned.read_text()

    done = apply(bench, dbt_drift, planned)
    assert done.code == 0, done.out + done.err
    assert len(bench.sandbox.contacts()) == 6


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("update $.people set name = 'Other' where email = 'p1@example.com'", "people: the rows of the model changed."),
        ("update $.people set is_vip = true where email = 'p4@example.com'", "people: the rows of the model changed."),
        (
            "delete from $.leads",
            "leads: the rows of the model changed. Planned: 1 new contact, 0 changed, 0 that left.",
        ),
        (
            "update $.people set email = 'q1@example.com' where email = 'p1@example.com'",
            "people: the rows of the model",
        ),
    ],
)
def test_a_model_that_has_changed_is_refused(
    bench: Bench, dbt_drift: CommandLine, planned: Path, sql: str, said: str
) -> None:
    bench.execute(sql)
    done = apply(bench, dbt_drift, planned)
    assert done.code == 2
    assert said in done.out + done.err
    assert bench.sandbox.contacts() == []
    assert bench.requests() == 0


def test_a_row_that_cannot_be_sent_is_no_part_of_the_plan(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    bench.execute("insert into $.people values ('bad', 'Bad', false)")
    done = apply(bench, dbt_drift, planned)
    assert done.code == 1, done.out + done.err
    assert len(bench.sandbox.contacts()) == 6


def test_a_ledger_that_has_changed_is_refused(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    bench.run()
    bench.requests()
    done = apply(bench, dbt_drift, planned)
    assert done.code == 2
    assert (
        "  - people: the rows of the model, or the ledger by another run, changed. "
        "Planned: 5 new contacts, 0 changed, 0 that left. Now: 0 new contacts, 0 changed, 0 that left."
    ) in done.out + done.err
    assert bench.requests() == 0


def test_a_run_that_found_nothing_to_send_does_not_spoil_a_plan(
    bench: Bench, dbt_drift: CommandLine, tmp_path: Path, planned: Path
) -> None:
    assert apply(bench, dbt_drift, planned).code == 0
    bench.forget_project()
    bench.execute("update $.people set name = 'New' where email = 'p2@example.com'")
    assert plan(bench, dbt_drift, tmp_path).code == 0
    assert dbt_drift("sync", "--select", "leads", *project_of(bench), environment=bench.environment).code == 0
    done = apply(bench, dbt_drift, planned)
    assert done.code == 0, done.out + done.err
    assert bench.contact("p2@example.com")["name"] == "New"


def test_another_declaration_is_refused(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    bench.declare("people", {**DECLARED, "fields": {"email": "email", "display_name": "name"}})
    bench.undeclare("leads")
    done = apply(bench, dbt_drift, planned)
    assert done.code == 2
    assert (
        "people: its declaration, its columns or the attributes that Drift lists have changed." in done.out + done.err
    )
    assert "leads: no model of the project declares it any more." in done.out + done.err
    assert bench.requests() == 0


def test_another_organisation_target_or_drift_is_refused(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    rewrite(planned, organisation="4711", target_name="prod", drift_url="https://driftapi.com", ledger="elsewhere")
    done = apply(bench, dbt_drift, planned)
    assert done.code == 2
    for said in (
        "The target was prod, and is dev.",
        f"The URL of Drift was https://driftapi.com, and is {bench.sandbox.url}.",
        f"The schema of the ledger was elsewhere, and is {bench.ledger}.",
        f"The Drift organisation was 4711, and is {bench.sandbox.organisation}.",
    ):
        assert said in done.out + done.err
    assert bench.requests() == 0


def test_a_plan_has_an_age(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    rewrite(planned, created_at=(dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=30)).isoformat())
    done = apply(bench, dbt_drift, planned)
    assert done.code == 2
    assert "is 30.0 hours old, and may be 24." in done.out + done.err
    assert bench.requests() == 0
    assert apply(bench, dbt_drift, planned, "--max-age", "31").code == 0


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"saved_plan_version": 1}', "\xff"])
def test_a_file_that_is_no_plan_is_refused(bench: Bench, dbt_drift: CommandLine, planned: Path, content: str) -> None:
    planned.write_bytes(content.encode("latin-1"))
    done = apply(bench, dbt_drift, planned)
    assert done.code == 2
    assert "is no plan of dbt-drift" in done.out + done.err
    assert bench.requests() == 0


def test_a_plan_of_another_version_is_refused(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    rewrite(planned, dbt_drift_version="9.9")
    assert "dbt-drift 9.9 wrote the plan" in apply(bench, dbt_drift, planned).err


def test_a_plan_beside_other_choices_is_refused(bench: Bench, dbt_drift: CommandLine, planned: Path) -> None:
    for option in (["--select", "people"], ["--full-refresh"], ["--limit", "1"]):
        done = apply(bench, dbt_drift, planned, *option)
        assert done.code == 2
        assert f"--plan says what is sent: it does not go with {option[0]}." in done.err


@pytest.mark.usefixtures("planned")
def test_answers_that_nobody_has_folded_are_folded_before_a_plan_is_saved(
    bench: Bench, dbt_drift: CommandLine, tmp_path: Path
) -> None:
    bench.run(limit=1)
    bench.forget_project()
    bench.warehouse.execute(
        f"insert into {bench.ledger}.people__journal (stage_id, seq, status) values ('killed', 0, 'sending')"
    )
    done = plan(bench, dbt_drift, tmp_path)
    assert done.code == 2
    assert "people: a run was interrupted, and what Drift answered is not folded into the ledger yet." in done.err


def test_a_guard_blocks_an_approved_plan_too(
    bench: Bench, dbt_drift: CommandLine, tmp_path: Path, planned: Path
) -> None:
    assert apply(bench, dbt_drift, planned).code == 0
    bench.forget_project()
    bench.execute("delete from $.people")
    assert plan(bench, dbt_drift, tmp_path).code == 0
    done = apply(bench, dbt_drift, planned)
    assert done.code == 1
    assert "the model is empty" in done.out
    done = apply(bench, dbt_drift, planned, "--allow-removals")
    assert done.code == 0, done.out


@pytest.mark.usefixtures("planned")
def test_an_exit_code_tells_whether_a_sync_would_send_something(
    bench: Bench, dbt_drift: CommandLine, tmp_path: Path
) -> None:
    assert plan(bench, dbt_drift, tmp_path, "--detailed-exitcode").code == 2
    bench.run()
    assert plan(bench, dbt_drift, tmp_path, "--detailed-exitcode").code == 0
    assert plan(bench, dbt_drift, tmp_path, "--detailed-exitcode", "--select", "nobody").code == 1
    assert plan(bench, dbt_drift, tmp_path, "--detailed-exitcode", "--no-such-option").code == 1
