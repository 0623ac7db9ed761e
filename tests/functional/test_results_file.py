"""target/drift_results.json is about the last run: one that cannot start leaves none, one that breaks off does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dbt_drift.delivery.results import FILE_NAME
from dbt_drift.ledger.sync_ledger import SyncLedger
from tests.support.command_line import project_of
from tests.support.harness import DuckDb, dbt, write_project

if TYPE_CHECKING:
    from dbt_drift.sandbox.server import Sandbox
    from tests.support.command_line import CommandLine
    from tests.support.harness import Bench

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "ci-and-schedulers.md"
SNIPPETS = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def artifact(bench: Bench) -> Path:
    return bench.target / FILE_NAME


def results_of(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(artifact(bench).read_text())["results"]
    return found


def no_token(bench: Bench, _folder: Path) -> tuple[list[str], dict[str, str]]:
    return [], {"DRIFT_API_URL": bench.sandbox.url}


def nothing_selected(bench: Bench, _folder: Path) -> tuple[list[str], dict[str, str]]:
    return ["--select", "nobody"], bench.environment


def no_model(bench: Bench, _folder: Path) -> tuple[list[str], dict[str, str]]:
    bench.execute("drop table $.people")
    return [], bench.environment


def wrong_declaration(bench: Bench, _folder: Path) -> tuple[list[str], dict[str, str]]:
    bench.declare("people", {"fields": {"email": "nowhere"}})
    return [], bench.environment


def bad_manifest(bench: Bench, _folder: Path) -> tuple[list[str], dict[str, str]]:
    (bench.target / "manifest.json").write_text("{")
    return [], bench.environment


def bad_profile(bench: Bench, folder: Path) -> tuple[list[str], dict[str, str]]:
    (folder / "profiles.yml").write_text("bench: {target: dev")
    return ["--profiles-dir", str(folder)], bench.environment


def no_profile(bench: Bench, folder: Path) -> tuple[list[str], dict[str, str]]:
    return ["--profiles-dir", str(folder / "nowhere")], bench.environment


def bad_project(bench: Bench, folder: Path) -> tuple[list[str], dict[str, str]]:
    (folder / "dbt_project.yml").write_text("name: [}")
    return ["--project-dir", str(folder)], bench.environment


def unknown_target(bench: Bench, _folder: Path) -> tuple[list[str], dict[str, str]]:
    return ["--target", "nowhere"], bench.environment


@pytest.mark.parametrize(
    ("command", "failing"),
    [
        ("retry", no_token), ("sync", no_token), ("sync", nothing_selected), ("sync", no_model),
        ("sync", wrong_declaration), ("sync", bad_manifest), ("sync", bad_profile), ("sync", no_profile),
        ("sync", bad_project), ("sync", unknown_target),
    ],
)  # fmt: skip
def test_a_run_that_cannot_start_leaves_no_results(
    people: Bench, dbt_drift: CommandLine, tmp_path: Path, failing: Any, command: str
) -> None:
    dbt_drift("sync", *project_of(people), environment=people.environment)
    assert artifact(people).exists()
    people.requests()
    folder = tmp_path / "folder"
    folder.mkdir()
    arguments, environment = failing(people, folder)
    done = dbt_drift(command, *project_of(people), *arguments, environment=environment)
    assert done.code == 2, done.out
    assert not artifact(people).exists()
    assert people.requests() == 0


def test_the_folder_is_found_where_dbt_has_it_without_a_profile(tmp_path: Path, dbt_drift: CommandLine) -> None:
    write_project(tmp_path, {"type": "duckdb", "path": "x.duckdb"})
    project = yaml.safe_load((tmp_path / "dbt_project.yml").read_text())
    (tmp_path / "dbt_project.yml").write_text(
        yaml.safe_dump({**project, "target-path": "{{ env_var('PLACE') }}/{{ var('part', 'a') }}"})
    )
    (tmp_path / "profiles.yml").write_text("bench: {")
    places = {name: tmp_path / name / FILE_NAME for name in ("of_project/a", "of_project/b", "of_flag", "of_variable")}
    for place in places.values():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("{}")
    environment = {"PLACE": "of_project"}
    for name, arguments, variables in (
        ("of_flag", ["--target-path", "of_flag"], {"DBT_TARGET_PATH": "of_variable"}),
        ("of_variable", [], {"DBT_TARGET_PATH": "of_variable"}),
        ("of_project/b", ["--vars", "{part: b}"], {}),
        ("of_project/a", [], {}),
    ):
        done = dbt_drift("sync", *arguments, cwd=tmp_path, environment=environment | variables)
        assert done.code == 2
        assert [found for found, place in places.items() if not place.exists()] == [name]
        places[name].write_text("{}")


@pytest.mark.parametrize(("kind", "command"), [("draft", "sync"), ("results", "sync"), ("draft", "retry")])
def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(
    people: Bench, dbt_drift: CommandLine, kind: str, command: str
) -> None:
    # A folder in the place of the file: nobody can write that, root neither.
    place = artifact(people) if kind == "results" else artifact(people).with_name(f"{FILE_NAME}.tmp")
    place.mkdir()
    done = dbt_drift(command, *project_of(people), environment=people.environment)
    assert done.code == 2
    assert f"{people.target} cannot be written" in done.err
    assert "--target-path" in done.err
    assert people.requests() == 0


def test_a_folder_that_cannot_be_written_any_more_does_not_hide_what_was_done(
    people: Bench, dbt_drift: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = SyncLedger.finish

    def and_fill_the_disk(ledger: SyncLedger) -> None:
        finish(ledger)
        artifact(people).with_name(f"{FILE_NAME}.tmp").mkdir()

    monkeypatch.setattr(SyncLedger, "finish", and_fill_the_disk)
    done = dbt_drift("sync", *project_of(people), environment=people.environment)
    assert done.code == 1  # of the row that cannot be sent
    assert f"The results could not be written to {people.target}" in done.out
    assert "1 of 1 WARN people" in done.out


def test_a_run_that_breaks_off_before_it_sends_leaves_results(people: Bench, dbt_drift: CommandLine) -> None:
    people.table("people", "select 'ada@example.com' as email, 5 as score")
    people.declare("people", {"fields": {"email": "email", "score": "score"}})
    *flags, _ = project_of(people)
    strict = f"{{dbt_drift: {{schema: {people.ledger}, unknown_attributes: error}}}}"
    done = dbt_drift("sync", *flags, strict, environment=people.environment)
    assert (done.code, "Drift has no attribute" in done.err) == (2, True)
    assert [(result["name"], result["status"]) for result in results_of(people)] == [("people", "error")]


def test_a_mistake_of_ours_leaves_results_too(
    people: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people.table("others", "select 'bob@example.com' as email")
    people.declare("others", {"fields": {"email": "email"}})

    def broken(*_: Any) -> None:
        raise RecursionError("ada@example.com")

    with monkeypatch.context() as patch:
        patch.setattr(SyncLedger, "page", broken)
        results = people.run()
    assert results.exit_code == 2
    assert "in broken" in capsys.readouterr().err
    assert [(result["name"], result["status"]) for result in results_of(people)] == [
        ("others", "error"), ("people", "skipped"),
    ]  # fmt: skip
    assert "Internal error: RecursionError" in results_of(people)[0]["message"]
    assert "ada@" not in artifact(people).read_text()

    with monkeypatch.context() as patch:
        patch.setattr("dbt_drift.delivery.run_session.save_syncs", broken)
        with pytest.raises(RecursionError):
            people.run()
    assert [(result["name"], result["status"]) for result in results_of(people)] == [
        ("others", "error"), ("people", "skipped"),
    ]  # fmt: skip


@pytest.mark.parametrize("strict", [[], ["-e"]])
def test_the_snippet_of_the_page_fails_with_the_run(tmp_path: Path, sandbox: Sandbox, strict: list[str]) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed, which the snippet of the page uses")
    (snippet,) = SNIPPETS
    write_project(tmp_path, DuckDb(tmp_path / "bench.duckdb").output)
    properties = {"name": "people", "config": {"meta": {"drift": {"fields": {"email": "email"}}}}}
    (tmp_path / "models" / "people.yml").write_text(yaml.safe_dump({"models": [properties]}))
    (tmp_path / "models" / "people.sql").write_text("select 'ada@example.com' as email union all select 'bad'")
    dbt(tmp_path, "build")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "DRIFT_"))},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DRIFT_API_URL": sandbox.url,
        "NO_PROXY": "127.0.0.1",
    }

    def run(script: str, **more: str) -> int:
        done = subprocess.run(
            ["bash", *strict, "-c", script], cwd=tmp_path, env=environment | more, capture_output=True, check=False
        )
        return done.returncode

    token = {"DRIFT_ACCESS_TOKEN": "any"}
    assert run(snippet, **token) == 0  # one row is rejected, which is no broken run
    assert len(sandbox.contacts()) == 1
    assert run(snippet) != 0  # no token
    assert run(snippet.replace("dbt-drift sync", "dbt-drift sync --select nobody"), **token) != 0
    assert run(snippet.replace("dbt-drift sync", "dbt-drift sycn"), **token) != 0
