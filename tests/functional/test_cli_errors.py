"""What the command line says when something is wrong: one message, exit code 2, and nothing was done."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.command_line import project_of, start_program
from tests.support.harness import TOKEN, Bench

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import ParsedProject


class Says:
    """Runs a command that must fail before it has done anything, and returns what it says."""

    def __init__(self, bench: Bench, dbt_drift: CommandLine) -> None:
        self._bench = bench
        self._dbt_drift = dbt_drift

    def __call__(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        done = self._dbt_drift(*arguments, *project_of(self._bench), environment=environment)
        assert (done.code, done.out) == (2, "")
        assert self._bench.requests() == 0
        return done.err


@pytest.fixture
def says(people: Bench, dbt_drift: CommandLine) -> Says:
    return Says(people, dbt_drift)


def changed_profile(bench: Bench, folder: Path, **changes: object) -> list[str]:
    """Write the bench's profile with changes, and return the flags that lead to it."""
    profiles = yaml.safe_load((bench.project / "profiles.yml").read_text())
    profiles["bench"]["outputs"]["dev"] |= changes
    folder.mkdir()
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))
    return [*project_of(bench), "--profiles-dir", str(folder)]


def test_every_wrong_declaration_is_named_before_the_warehouse_is_opened(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path
) -> None:
    people.declare("people", {"mode": "mirror", "fields": {"email": "email"}})
    people.declare("others", {"fields": {"name": "name"}, "audiences": [{"tag": "x", "mode": "upsert"}]})
    nowhere = changed_profile(people, tmp_path / "profile", path=str(tmp_path / "nowhere" / "bench.duckdb"))
    done = dbt_drift("plan", *nowhere)
    assert (done.code, done.out) == (2, "")
    for part in ("people", "meta.drift.mode", "others", "models/others.yml", "email", "audiences[0].mode"):
        assert part in done.err
    people.declare("people", {"fields": {"email": "email"}})
    people.declare("others", {"fields": {"email": "email"}})
    assert "nowhere/bench.duckdb" in dbt_drift("plan", *nowhere).err


def test_what_does_not_fit_the_relation_is_named_at_once(people: Bench, says: Says) -> None:
    people.table("people", "select 'ada@example.com' as email, cast('x' as blob) as photo, 1 as name")
    people.declare("missing", {"fields": {"email": "email", "score": "score"}})
    people.declare("people", {
        "fields": {"email": "email", "name": "nam", "photo": "photo"},
        "audiences": [{"tag": "x", "mode": "add", "when": "flag"}],
    })  # fmt: skip
    said = says("plan")
    assert "'nam'" in said
    assert "Did you mean `name`?" in said
    assert "'flag'" in said
    assert "dbt build --select missing" in said
    people.declare("people", {
        "fields": {"email": "email", "photo": "photo"}, "audiences": [{"tag": "x", "mode": "add", "when": "name"}],
    })  # fmt: skip
    said = says("sync", environment=people.environment)
    assert "'photo' is BLOB, which Drift has no type for" in said
    assert "'name' is INTEGER, not boolean" in said


def test_nothing_declared(people: Bench, says: Says) -> None:
    manifest = json.loads((people.target / "manifest.json").read_text())
    manifest["nodes"].clear()
    (people.target / "manifest.json").write_text(json.dumps(manifest))
    assert "No model of the project declares a sync" in says("plan")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "DRIFT_ACCESS_TOKEN is not set"),
        ({"DRIFT_ACCESS_TOKEN": f"Bearer {TOKEN}"}, "without quotes"),
        ({"DRIFT_ACCESS_TOKEN": TOKEN, "DRIFT_API_URL": "http://drift.example.com"}, "without https"),
        ({"DRIFT_ACCESS_TOKEN": TOKEN, "DRIFT_API_URL": f"https://me:{TOKEN}@drift.example.com"}, "not a plain URL"),
        ({"DRIFT_ACCESS_TOKEN": TOKEN, "DRIFT_API_URL": "driftapi.com"}, "not a plain URL"),
    ],
)
@pytest.mark.parametrize("command", ["sync", "check"])
def test_a_token_or_url_that_cannot_be_used(
    people: Bench, dbt_drift: CommandLine, command: str, environment: dict[str, str], said: str
) -> None:
    done = dbt_drift(command, *project_of(people), environment=environment)
    assert done.code == 2
    assert said in done.err


def test_a_token_that_drift_refuses(people: Bench, dbt_drift: CommandLine) -> None:
    people.sandbox.change(undeclared_tokens="refuse")
    for command in ("sync", "check"):
        done = dbt_drift(command, *project_of(people), environment=people.environment)
        assert done.code == 2
        assert "Drift refuses the access token" in done.out + done.err
        assert "dev.drift.com" in done.out + done.err
    quiet = dbt_drift("sync", "--quiet", *project_of(people), environment=people.environment)
    assert "Drift refuses the access token" in quiet.out


def test_a_ledger_of_another_drift(people: Bench, dbt_drift: CommandLine) -> None:
    dbt_drift("sync", *project_of(people), environment=people.environment)
    elsewhere = people.environment | {"DRIFT_API_URL": "http://127.0.0.1:9"}
    done = dbt_drift("sync", *project_of(people), environment=elsewhere)
    assert done.code == 2
    assert f"describes {people.sandbox.url}, and DRIFT_API_URL is http://127.0.0.1:9" in done.err


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("{dbt_drift: {shema: x}}", "did you mean schema"),
        ("{dbt_drift: {rate_limit: {requests: many}}}", "rate_limit.requests"),
        ("{dbt_drift: 5}", "must be a mapping"),
        ("[1]", "not a YAML mapping"),
        ("{a: [}", "is not YAML"),
    ],
)
def test_settings_that_cannot_be_read(people: Bench, dbt_drift: CommandLine, variables: str, said: str) -> None:
    done = dbt_drift("plan", *project_of(people)[:-1], variables)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan", "--rows", "-1"], "--rows"),
        (["sync", "--threads", "0"], "--threads"),
        (["sync", "--output", "xml"], "--output"),
        (["sync", "people"], "people"),
        (["synch"], "Did you mean 'sync'?"),
        (["sycn"], "Did you mean 'sync'?"),
        (["quux"], "No such command 'quux'"),
        (["sync", "--dry-run"], "`dbt-drift plan` shows what a sync would send"),
        (["plan", "--models", "people"], "Name models with --select"),
        (["sync", "--tarjet", "dev"], "--target"),
        (["plan", "--select", "peolpe"], "Did you mean `people`? These models do: people."),
        (["plan", "--target", "nowhere"], "nowhere"),
        (["plan", "--profile", "nowhere"], "nowhere"),
        (["plan", "--select", "tag:"], "No selected model declares a sync"),
        (["plan", "--select", "nomethod:x"], "nomethod"),
    ],
)
def test_options_that_cannot_be_meant(says: Says, arguments: list[str], said: str) -> None:
    assert said in says(*arguments)


def test_no_project_here(dbt_drift: CommandLine, tmp_path: Path) -> None:
    done = dbt_drift("plan", cwd=tmp_path)
    assert done.code == 2
    assert "There is no dbt_project.yml in this folder or above it." in done.err
    gone = dbt_drift("plan", "--project-dir", str(tmp_path / "gone"), cwd=tmp_path)
    assert gone.code == 2
    assert "gone" in gone.err


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"metadata": {}, "nodes": 5}'])
def test_a_manifest_that_is_none(people: Bench, says: Says, text: str | None) -> None:
    manifest = people.target / "manifest.json"
    manifest.unlink() if text is None else manifest.write_text(text)
    said = says("plan")
    assert "manifest.json" in said
    assert "dbt" in said.replace("dbt_drift", "")


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("profiles.yml", "bench: {target: dev"),
        ("profiles.yml", "{}"),
        ("profiles.yml", "bench: {target: dev, outputs: {dev: {type: duckdb, schema: \"{{ env_var('NOT_SET') }}\"}}}"),
        ("dbt_project.yml", "name: bench\nprofile: [}"),
        ("dbt_project.yml", "profile: bench\n"),
        ("dbt_project.yml", "name: bench\nprofile: bench\nrequire-dbt-version: '<1.0.0'\n"),
    ],
)
def test_a_project_that_dbt_cannot_read(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path, name: str, broken: str
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    for found in ("dbt_project.yml", "profiles.yml"):
        (folder / found).write_text(broken if found == name else (people.project / found).read_text())
    done = dbt_drift("plan", "--project-dir", str(folder), "--profiles-dir", str(folder))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")


@pytest.mark.parametrize("adapter", ["nosuchwarehouse", "spark"])
def test_an_adapter_that_is_not_installed(people: Bench, dbt_drift: CommandLine, tmp_path: Path, adapter: str) -> None:
    done = dbt_drift("plan", *changed_profile(people, tmp_path / "profile", type=adapter))
    assert (done.code, done.out) == (2, "")
    assert f"Could not find adapter type {adapter}" in done.err
    assert f"pip install 'dbt-{adapter}'" in done.err
    assert f"pipx inject dbt-drift dbt-{adapter}" in done.err
    assert f"uvx --with dbt-{adapter} dbt-drift" in done.err


def test_a_postgres_that_does_not_let_us_in(
    postgres_project: ParsedProject, tmp_path: Path, sandbox: Sandbox, dbt_drift: CommandLine
) -> None:
    bench = Bench(postgres_project, tmp_path, sandbox)
    bench.table("people", "select 'ada@example.com' as email")
    bench.declare("people", {"fields": {"email": "email"}})
    bench.execute("drop role if exists guest; create role guest login password 'secret-of-guest'")
    bench.execute("grant usage on schema $ to guest; grant select on $.people to guest")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        free = taken.getsockname()[1]
    where = "the target dev of the profile bench in"
    cases: list[tuple[str, dict[str, object], tuple[str, ...]]] = [
        ("away", {"port": free}, ("refused", f"127.0.0.1:{free}, {where} {tmp_path / 'away'}/profiles.yml")),
        ("stranger", {"password": "secret-of-nobody"}, ("password authentication failed", where)),
        (
            "guest",
            {"user": "guest", "password": "secret-of-guest"},
            ("permission denied", f'create schema "{bench.ledger}" authorization'),
        ),
    ]
    for name, change, said in cases:
        done = dbt_drift("sync", *changed_profile(bench, tmp_path / name, **change), environment=bench.environment)
        assert done.code == (4 if name == "away" else 2), name
        assert all(part in done.out + done.err for part in said), done
        assert "secret-of" not in done.out + done.err


def test_a_duckdb_file_in_use(people: Bench, says: Says) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print(flush=True); input()",
         people.warehouse.output["path"]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert owner.stdout is not None
    assert owner.stdout.readline() == "\n"
    try:
        assert "lock" in says("plan").lower()
    finally:
        owner.communicate("\n")


def test_a_port_in_use(people: Bench, dbt_drift: CommandLine) -> None:
    port = people.sandbox.url.rpartition(":")[2]
    done = dbt_drift("sandbox", "--port", port)
    assert done.code == 2
    assert port in done.err


def test_a_reader_that_has_gone(people: Bench) -> None:
    """`dbt-drift plan | head -1`: the rest of the output has nowhere to go."""
    started = start_program("plan", "--ignore-run-results", *project_of(people))
    assert started.stdout is not None
    assert started.stderr is not None
    started.stdout.close()
    with closing(started.stderr):
        assert started.stderr.read() == ""
    assert started.wait() == 0
