"""What dbt's last command says of a model, told by the artifacts alone."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from dbt_drift.binding.last_build import BuildCheck, check_last_build
from dbt_drift.binding.run_results import read_builds
from dbt_drift.declarations.syncs import declare
from dbt_drift.errors import ConfigurationError
from tests.support.projects import EMAIL, manifest, node

if TYPE_CHECKING:
    from pathlib import Path

BUILT_AT = dt.datetime(2026, 3, 1, 6, 0, tzinfo=dt.timezone.utc)
SQL = "select 1 as email\n"


PEOPLE = node("people", EMAIL)
LEADS = node("leads", EMAIL)
ATTACHED = node("not_null", resource_type="test", attached_node="model.jaffle.people",
                depends_on={"nodes": ["model.jaffle.people", "model.jaffle.leads"]})  # fmt: skip
SINGULAR = node("no_twins", resource_type="test", depends_on={"nodes": ["model.jaffle.leads"]})


def results(*given: tuple[str, str], command: str | None = "build", invocation: str = "one") -> bytes:
    document = {
        "metadata": {"generated_at": BUILT_AT.isoformat(), "invocation_id": invocation, "env": {}},
        "results": [{"unique_id": unique_id, "status": status, "failures": None} for unique_id, status in given],
        "args": {"which": command, "select": []} if command else {},
    }
    return json.dumps(document).encode()


def judged(
    folder: Path, written: bytes | None, *, named: bool = False, invocation: str = "one", people: Any = PEOPLE
) -> BuildCheck:
    project = manifest(people, LEADS, ATTACHED, SINGULAR)
    project = replace(project, metadata=replace(project.metadata, invocation_id=invocation))
    path = folder / "run_results.json"
    if written is not None:
        path.write_bytes(written)
    return check_last_build(
        declare(project), project, read_builds(folder), source_file=lambda _, path: folder / path, are_named=named
    )


def names(judgement: BuildCheck) -> tuple[list[str], list[str]]:
    return [sync.name for sync in judgement.fit], [one.sync.name for one in judgement.blocked]


def test_nobody_knows(tmp_path: Path) -> None:
    judgement = judged(tmp_path, None)
    assert names(judgement) == (["leads", "people"], [])
    assert "does not know" in judgement.notices[0]


@pytest.mark.parametrize("status", ["error", "skipped", "partial success", "runtime error"])
def test_a_model_that_was_not_built_well(tmp_path: Path, status: str) -> None:
    judgement = judged(tmp_path, results(("model.jaffle.people", status), ("model.jaffle.leads", "success")))
    assert names(judgement) == (["leads"], ["people"])
    assert "in `dbt build` of 2026-03-01 06:00 UTC" in judgement.blocked[0].why
    assert "dbt build --select people" in judgement.blocked[0].why
    assert "--ignore-run-results" in judgement.blocked[0].why


def test_a_test_is_about_the_model_that_it_is_declared_on(tmp_path: Path) -> None:
    judgement = judged(tmp_path, results(("test.jaffle.not_null", "fail"), command="test"))
    assert names(judgement) == (["leads"], ["people"])
    assert "1 test of it failed in `dbt test` of 2026-03-01 06:00 UTC: not_null" in judgement.blocked[0].why


def test_a_test_of_its_own_file_is_about_what_it_reads(tmp_path: Path) -> None:
    assert names(judged(tmp_path, results(("test.jaffle.no_twins", "error"), command="test"))) == (
        ["people"],
        ["leads"],
    )


def test_a_test_that_warns_holds_nothing_back(tmp_path: Path) -> None:
    given = results(("test.jaffle.not_null", "warn"), ("test.jaffle.no_twins", "skipped"), command="test")
    assert names(judged(tmp_path, given)) == (["leads", "people"], [])


def test_after_a_build_of_some_models_the_syncs_are_theirs(tmp_path: Path) -> None:
    built = results(("model.jaffle.people", "success"))
    judgement = judged(tmp_path, built)
    assert names(judgement) == (["people"], [])
    assert "1 model not synced" in judgement.notices[0]
    assert "leads" in judgement.notices[0]
    assert names(judged(tmp_path, built, named=True)) == (["leads", "people"], [])


@pytest.mark.parametrize("command", ["test", "seed", "snapshot", "retry", "compile", "generate", "run-operation", None])
def test_a_command_that_does_not_build_the_models_restricts_nothing(tmp_path: Path, command: str | None) -> None:
    judgement = judged(tmp_path, results(("seed.jaffle.raw", "success"), command=command))
    assert (names(judgement), judgement.notices) == ((["leads", "people"], []), [])


SAME = "select\n\n    1 as email"
OTHER = "select 2 as email"
LATER = BUILT_AT.timestamp() + 60


@pytest.mark.parametrize(
    ("content", "invocation", "node_of", "ran", "blocked"),
    [
        (SQL, "one", {}, None, False),
        (SAME + "\r\n", "one", {}, None, False),  # laid out anew
        (OTHER, "one", {}, None, True),
        # A later command of dbt has taken the node over: its file was the same then.
        (SQL, "two", {"created_at": LATER - 120}, None, False),
        (OTHER, "two", {"created_at": LATER - 120}, None, True),
        # A later command has parsed it anew, and the manifest says what the file says now: the SQL that ran is left.
        (SQL, "two", {"created_at": LATER}, "select 1 as email", False),
        (OTHER, "two", {"created_at": LATER, "raw_code": OTHER}, "select 1 as email", True),
        (OTHER, "two", {"raw_code": OTHER}, "select 1 as email", True),
        # Nobody knows.
        (OTHER, "two", {"raw_code": OTHER}, None, False),
        (None, "one", {}, None, False),
    ],
)
def test_a_file_that_changed_since_the_build(
    tmp_path: Path, content: str | None, invocation: str, node_of: dict[str, Any], ran: str | None, *, blocked: bool
) -> None:
    people = node("people", EMAIL, **{"raw_code": SQL.strip(), **node_of})
    if content is not None:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "people.sql").write_bytes(content.encode())
    built = json.loads(results(("model.jaffle.people", "success")))
    built["results"][0]["compiled_code"] = ran
    judgement = judged(tmp_path, json.dumps(built).encode(), invocation=invocation, people=people)
    assert names(judgement)[1] == (["people"] if blocked else [])
    if blocked:
        assert "models/people.sql has changed since `dbt build` of" in judgement.blocked[0].why


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b'{"metadata": {}}', b'{"results": [{}]}'])
def test_run_results_that_are_none(tmp_path: Path, written: bytes) -> None:
    with pytest.raises(ConfigurationError, match="--ignore-run-results"):
        judged(tmp_path, written)


def written_by(folder: Path, minute: int, *given: tuple[str, str, int | None], command: str = "build") -> Path:
    """Write the results of a command that wrote them in this minute, with the minute in which each node was done."""
    document = json.loads(
        results(*((one, status) for one, status, _ in given), command=command, invocation=folder.name)
    )
    document["metadata"]["generated_at"] = (BUILT_AT + dt.timedelta(minutes=minute)).isoformat()
    for result, (_, _, done) in zip(document["results"], given, strict=True):
        ended = None if done is None else (BUILT_AT + dt.timedelta(minutes=done)).isoformat()
        result["timing"] = [] if done is None else [{"name": "compile", "completed_at": None}, {"completed_at": ended}]
    folder.mkdir(parents=True)
    (folder / "run_results.json").write_text(json.dumps(document))
    return folder


def judged_by(folder: Path, *given: Path, people: Any = PEOPLE) -> BuildCheck:
    project = manifest(people, LEADS, ATTACHED, SINGULAR)
    return check_last_build(
        declare(project),
        project,
        read_builds(folder, given),
        source_file=lambda _, path: folder / path,
        are_named=False,
    )


def test_the_results_of_several_commands(tmp_path: Path) -> None:
    people = written_by(tmp_path / "people", 1, ("model.jaffle.people", "success", 1))
    leads = written_by(tmp_path / "leads", 2, ("model.jaffle.leads", "error", 2))
    assert names(judged_by(tmp_path, people)) == (["people"], [])
    judgement = judged_by(tmp_path, people, leads / "run_results.json")
    assert (names(judgement), judgement.notices) == ((["people"], ["leads"]), [])
    assert "it failed in `dbt build` of 2026-03-01 06:02 UTC" in judgement.blocked[0].why
    assert judged_by(tmp_path, tmp_path) == judgement  # the folder of both


@pytest.mark.parametrize("done", [4, None])
def test_the_newest_result_of_a_node_counts(tmp_path: Path, done: int | None) -> None:
    # The long command wrote last, and had finished the model before the short one did.
    long = written_by(tmp_path / "long", 9, ("model.jaffle.people", "success", 1), ("model.jaffle.leads", "success", 8))
    short = written_by(tmp_path / "short", 5, ("model.jaffle.people", "skipped", done))
    for given in ((long, short), (short, long)):
        assert names(judged_by(tmp_path, *given)) == (["leads"], ["people"])


def test_a_test_that_passes_later_ends_its_failure(tmp_path: Path) -> None:
    first = written_by(tmp_path / "1", 1, ("model.jaffle.people", "success", 1), ("test.jaffle.not_null", "fail", 1))
    later = written_by(tmp_path / "2", 2, ("test.jaffle.not_null", "pass", 2), command="test")
    assert names(judged_by(tmp_path, first)) == ([], ["people"])
    assert names(judged_by(tmp_path, first, later)) == (["people"], [])


@pytest.mark.parametrize("has_file", [True, False])
def test_the_manifest_beside_the_results_says_what_was_built(tmp_path: Path, *, has_file: bool) -> None:
    people = node("people", EMAIL, raw_code=OTHER, created_at=BUILT_AT.timestamp() - 60)
    if has_file:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "people.sql").write_text(OTHER)
    built = written_by(tmp_path / "run", 1, ("model.jaffle.people", "success", 1))

    def blocked(code: str, invocation: str = "run") -> list[str]:
        document = {
            "metadata": {"invocation_id": invocation},
            "nodes": {"model.jaffle.people": {"raw_code": code}, "seed.jaffle.raw": {}},
        }
        (built / "manifest.json").write_text(json.dumps(document))
        return names(judged_by(tmp_path, built, people=people))[1]

    assert blocked(SQL) == ["people"]
    assert blocked(OTHER + "\n") == []
    assert blocked(SQL, invocation="another") == []  # of a later command, which says nothing about this one


def test_results_that_are_named_and_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", tmp_path / "run_results.json"):
        with pytest.raises(ConfigurationError, match=r"There is no .*, which --run-results names"):
            read_builds(tmp_path, [path])
