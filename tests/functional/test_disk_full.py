"""A disk that fills up in mid-run: the run ends with the warehouse's own words, and the next one finishes it."""

from __future__ import annotations

import contextlib
import resource
from typing import TYPE_CHECKING

from tests.support.command_line import project_of, run_process, start_program
from tests.support.harness import Bench, DuckDb, ParsedProject
from tests.support.ledgers import people

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from dbt_drift.sandbox.server import Sandbox

ROWS = 2500


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let processes that are started meanwhile write no file beyond so many bytes: it fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target").mkdir()
    file = tmp_path / "target" / "small.duckdb"
    bench = Bench(ParsedProject(tmp_path / "project", DuckDb(tmp_path / file.name)), tmp_path / "target", sandbox)
    people(bench, ROWS)
    *flags, _ = project_of(bench)
    flags.append(f"{{dbt_drift: {{schema: {bench.ledger}, rate_limit: {{requests: 0}}}}}}")

    with files_up_to(file.stat().st_size):
        full = start_program("sync", *flags, environment=bench.environment)
    said = "".join(full.communicate())
    assert full.returncode in {1, 2}, said
    assert "too large" in said.lower(), said  # what the system says of a file that may not grow

    assert run_process("sync", *flags, environment=bench.environment).code == 0
    contacts = sandbox.contacts()
    assert len({contact.attributes["email"] for contact in contacts}) == len(contacts) == ROWS
    assert all(set(contact.tags) == {"VIP"} for contact in contacts)
    bench.requests()
    assert run_process("sync", *flags, environment=bench.environment).code == 0
    assert bench.requests() == 0
