"""The table of Drift's behaviours names every switch of the sandbox, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from dbt_drift.sandbox.behaviour import Behaviour

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "reference" / "drift-behaviours.md"
COLUMNS = ["behaviour", "Drift's sources", "how sure", "what dbt-drift does", "switch", "test"]
SURE = {"documented", "seen", "assumed", "reported"}


def rows() -> list[dict[str, str]]:
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and cells != COLUMNS and not set(line) <= set("|- "):
            found.append(dict(zip(COLUMNS, cells, strict=True)))
    return found


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_switch_has_its_row() -> None:
    switches = {name for row in rows() for name in named(row["switch"])}
    # It decides what the sandbox notes, not how it answers.
    assert switches == set(Behaviour.__struct_fields__) - {"log_contents"}


def test_every_test_that_is_named_exists() -> None:
    for row in rows():
        (test,) = named(row["test"])
        file, _, name = test.partition("::")
        assert any(f"\ndef {name}(" in path.read_text("utf-8") for path in TESTS.rglob(file)), test


def test_every_row_says_how_sure_it_is_and_what_is_done() -> None:
    assert len(rows()) > 30
    for row in rows():
        assert SURE & set(re.findall(r"\w+", row["how sure"])), row
        assert all(row[column] for column in COLUMNS if column != "switch"), row


def test_every_file_of_tests_that_the_page_names_exists() -> None:
    for file in re.findall(r"`(test_\w+\.py)", PAGE.read_text("utf-8")):
        assert list(TESTS.rglob(file)), file
