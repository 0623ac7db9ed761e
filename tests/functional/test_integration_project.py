from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from dbt_drift.binding.prepare import prepare
from dbt_drift.declarations.manifest import read_manifest
from dbt_drift.declarations.syncs import declare
from dbt_drift.delivery.results import RowCounts
from dbt_drift.delivery.run import run_syncs
from dbt_drift.project.options import ProjectOptions
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.server import Sandbox
from tests.support import warm
from tests.support.harness import TOKEN, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.delivery.results import SyncResult
    from tests.support.postgres import PostgresServer

INTEGRATION_PROJECT = Path(__file__).parents[2] / "integration_project"

Contacts = dict[int, dict[str, Any]]


@dataclass(frozen=True)
class Day:
    """What a build printed, how many rows its warnings name by test, and what the marts held afterwards."""

    printed: str
    warned: dict[str, int]
    contacts: Contacts
    churned: int


@dataclass(frozen=True)
class Sent:
    """What came of a sync, by model, and how many contacts Drift held afterwards, and with each tag."""

    results: dict[str, SyncResult]
    contacts: int
    tags: dict[str, int]


@dataclass(frozen=True)
class Project:
    """A copy of the project, its first two days, and three syncs: after the first, after the second, and once more."""

    directory: Path
    target: str
    environment: dict[str, str] = field(repr=False)
    connect: Callable[[], Any]
    days: dict[int, Day] = field(default_factory=dict, repr=False)
    syncs: list[Sent] = field(default_factory=list, repr=False)

    def live(self) -> Project:
        """Let the two days go by."""
        with Sandbox(behaviour=Behaviour(rate_limit=0)) as sandbox:
            self.build(1)
            self.sync(sandbox)
            self.build(2)
            self.sync(sandbox)
            self.sync(sandbox)
        return self

    def build(self, day: int) -> None:
        done = warm.run(
            "dbt",
            "--no-use-colors",
            "build",
            "--target",
            self.target,
            "--vars",
            f"demo_day: {day}",
            cwd=self.directory,
            env={**os.environ, **self.environment, "DBT_PROFILES_DIR": str(self.directory)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        results = self.artifact("run_results.json")["results"]
        self.days[day] = Day(
            printed=done.stdout + done.stderr,
            warned={result["unique_id"].split(".")[2]: result["failures"] for result in results if result["failures"]},
            contacts={row["contact_id"]: row for row in self.rows("select * from analytics.dim_contacts")},
            churned=len(self.rows("select contact_id from analytics.dim_churned_contacts")),
        )

    def sync(self, sandbox: Sandbox) -> None:
        folder = str(self.directory)
        options = ProjectOptions(
            project_dir=folder,
            profiles_dir=folder,
            target=self.target,
            vars={"dbt_drift": {"rate_limit": {"requests": 0}}},
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            drift = {"DRIFT_API_URL": sandbox.url, "DRIFT_ACCESS_TOKEN": TOKEN}
            results = run_syncs(prepare(options), drift, Recorder()).results
        held = sandbox.summary()
        self.syncs.append(Sent({result.name: result for result in results}, held.contacts, dict(held.tags)))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            columns = [column[0] for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def artifact(self, name: str) -> Any:
        return json.loads((self.directory / "target" / name).read_text())


def copied(directory: Path) -> Path:
    shutil.copytree(INTEGRATION_PROJECT, directory, ignore=shutil.ignore_patterns("target", "logs", "__pycache__"))
    return directory


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Project:
    directory = copied(tmp_path_factory.mktemp("fernhill") / "duckdb")
    database = directory / "target" / "fernhill.duckdb"  # where the profile puts it if nobody says otherwise
    return Project(directory, "duckdb", {}, lambda: duckdb.connect(str(database), read_only=True)).live()


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Project:
    directory = copied(tmp_path_factory.mktemp("fernhill") / "postgres")
    database = postgres_server.create_database()
    environment = postgres_server.environment(database)
    return Project(directory, "postgres", environment, lambda: postgres_server.connect(database)).live()


@pytest.fixture(params=["on_duckdb", "on_postgres"])
def built(request: pytest.FixtureRequest) -> Project:
    project: Project = request.getfixturevalue(request.param)
    return project


def audience(contacts: Contacts, column: str) -> set[int]:
    return {key for key, row in contacts.items() if row[column]}


def test_the_committed_seeds_are_what_the_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", INTEGRATION_PROJECT / "generate_seeds.py", tmp_path], check=True)
    committed = {path.name: path.read_bytes() for path in (INTEGRATION_PROJECT / "seeds").glob("*.csv")}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == committed


def test_nobody_can_be_reached_at_an_address_or_number_of_the_seeds() -> None:
    with (INTEGRATION_PROJECT / "seeds" / "raw_crm__contacts.csv").open(encoding="utf-8", newline="") as file:
        contacts = list(csv.DictReader(file))
    assert len(contacts) == 500
    reserved = re.compile(r"[^@]+(@|\(at\))([a-z-]+\.)*example\.(com|org|net)|room-2@localhost", re.IGNORECASE)
    fictional = re.compile(r"\+1 202-555-01\d\d|\+44 20 7946 0\d\d\d")
    for contact in contacts:
        assert reserved.fullmatch(contact["email"].strip()) or not contact["email"]
        assert fictional.fullmatch(contact["phone"]) or not contact["phone"]


def test_the_build_is_green_and_warns_only_of_bad_addresses(built: Project) -> None:
    for day in built.days.values():
        assert "Deprecated functionality" not in day.printed
        assert day.warned == {
            "not_null_dim_contacts_email": 1,
            "email_format_dim_contacts_email": 2,
            "unique_email_dim_contacts_email": 1,
        }


def test_the_marts_on_the_first_day(built: Project) -> None:
    contacts = built.days[1].contacts
    assert len(contacts) == 482
    assert len(audience(contacts, "is_paying")) == 240
    assert len(audience(contacts, "is_trial_ending")) == 54
    assert len(audience(contacts, "is_newsletter_reader")) == 233
    assert built.days[1].churned == 40


def test_awkward_values_arrive_as_they_are(built: Project) -> None:
    contacts = built.days[1].contacts.values()
    emails = {row["full_name"]: row["email"] for row in contacts}
    assert emails["Margaret O'Hare"] == "  Margaret.OHARE@Example.com "
    assert emails["Dana Kim"].lower() == emails["Dana Kim (old)"].lower()
    assert emails["Dana Kim"] != emails["Dana Kim (old)"]
    assert emails["Walk-in, no card"] is None
    assert emails[None] == "front-desk@example.org"
    names = {'Bartholomew "Bart" O\'Neill \\ Partners', "Ana 🌱 Sousa", "Rosa Weiß", "王小明", "محمد العلي"}
    assert names <= emails.keys()
    companies = {row["company"] for row in contacts}
    assert {"O'Hara & Söhne", "株式会社みどり", "Кофейня №1", 'The "Blue" Door, Inc.', None} <= companies
    assert {"", None, "Founder"} <= {row["job_title"] for row in contacts}
    assert max(row["storage_bytes"] or 0 for row in contacts) == 2**53 + 1
    assert {type(row["lifetime_value"]) for row in contacts} == {Decimal}
    assert any(row["lifetime_value"] % 1 for row in contacts)
    assert any(row["last_seen_at"] and row["last_seen_at"].microsecond for row in contacts)


def test_the_second_day_brings_what_is_known(built: Project) -> None:
    before, after = built.days[1].contacts, built.days[2].contacts
    assert len(after.keys() - before.keys()) == 3
    assert len(before.keys() - after.keys()) == 1
    both = before.keys() & after.keys()
    assert len([key for key in both if before[key] != after[key]]) == 89
    assert len([key for key in both if before[key]["plan_tier"] != after[key]["plan_tier"]]) == 21
    assert built.days[2].churned == 45
    moves = {}
    for column in ("is_paying", "is_trial_ending", "is_newsletter_reader"):
        was, now = audience(before, column), audience(after, column)
        moves[column] = (len(was - now), len(now - was))
    assert moves == {"is_paying": (6, 10), "is_trial_ending": (7, 0), "is_newsletter_reader": (0, 2)}


def test_both_warehouses_hold_the_same_contacts(on_duckdb: Project, on_postgres: Project) -> None:
    for day in (1, 2):
        assert comparable(on_duckdb.days[day].contacts) == comparable(on_postgres.days[day].contacts)


def comparable(contacts: Contacts) -> Contacts:
    """Return the contacts with their JSON decoded, which psycopg2 does and DuckDB leaves to us."""
    decoded: Contacts = {}
    for key, row in contacts.items():
        topics = row["newsletter_topics"]
        decoded[key] = row | {"newsletter_topics": json.loads(topics) if isinstance(topics, str) else topics}
    return decoded


def test_every_model_and_column_is_described(built: Project) -> None:
    built_columns: dict[str, set[str]] = {}
    for row in built.rows("select table_name, column_name from information_schema.columns"):
        built_columns.setdefault(row["table_name"], set()).add(row["column_name"])
    for node in built.artifact("manifest.json")["nodes"].values():
        if node["resource_type"] in {"model", "seed"}:
            described = {name for name, column in node["columns"].items() if column["description"]}
            assert node["description"], node["name"]
            assert described == built_columns[node["name"]], node["name"]


def test_the_declarations_are_right(built: Project) -> None:
    contacts, churned = sorted(
        declare(read_manifest(built.directory / "target" / "manifest.json")), key=lambda sync: sync.name, reverse=True
    )
    assert [(each.tag, each.mode) for each in contacts.audiences] == [
        ("Customers", "mirror"),
        ("Trial ending", "mirror"),
        ("Newsletter", "add"),
    ]
    assert "phone" in {mapped.attribute for mapped in contacts.attributes}
    assert [(each.tag, each.mode, each.when) for each in churned.audiences] == [("Onboarding", "remove", None)]
    assert {mapped.attribute for mapped in churned.attributes} == {"email", "churn_reason"}


def test_the_first_sync_brings_everybody_whom_a_contact_can_be_made_of(built: Project) -> None:
    first = built.syncs[0]
    assert first.results["dim_churned_contacts"].contacts.created == 40
    contacts = first.results["dim_contacts"]
    assert contacts.rows == RowCounts(read=482, sent=477, invalid=5)
    assert contacts.reasons == {"missing_key": 1, "malformed_email": 2, "duplicate_key": 2}
    assert first.tags == {"Customers": 235, "Newsletter": 230, "Trial ending": 54}


def test_the_next_day_costs_what_changed_and_the_same_day_nothing(built: Project) -> None:
    _, second, again = built.syncs
    assert second.results["dim_churned_contacts"].contacts.updated == 5
    contacts = second.results["dim_contacts"]
    assert contacts.contacts.created == 3
    assert contacts.rows.departed == 1
    assert (second.contacts, second.tags) == (480, {"Customers": 239, "Newsletter": 232, "Trial ending": 47})
    assert {name: result.requests for name, result in again.results.items()} == {
        "dim_churned_contacts": 0, "dim_contacts": 0,
    }  # fmt: skip
    assert (again.contacts, again.tags) == (second.contacts, second.tags)


def test_both_warehouses_send_the_same(on_duckdb: Project, on_postgres: Project) -> None:
    for one, other in zip(on_duckdb.syncs, on_postgres.syncs, strict=True):
        assert (one.contacts, one.tags) == (other.contacts, other.tags)
        for name, result in one.results.items():
            assert (result.rows, result.contacts) == (other.results[name].rows, other.results[name].contacts)
            # Not the requests: how many are looked up until it is clear that Drift knows nobody is a matter of timing.
            assert result.reasons == other.results[name].reasons
