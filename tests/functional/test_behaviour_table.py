"""The pages on Drift's ways: every switch has its row, every test that is named exists, the statuses are right."""

from __future__ import annotations

import re
from pathlib import Path

from dbt_drift.drift.http.retry_policy import Verdict, classify
from dbt_drift.sandbox.behaviour import Behaviour

TESTS = Path(__file__).parents[1]
REFERENCE = TESTS.parent / "docs" / "reference"
PAGE = REFERENCE / "drift-behaviours.md"
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


def test_the_errors_page_says_of_each_status_how_it_is_classifyd() -> None:
    section = (REFERENCE / "errors.md").read_text("utf-8").partition("## What Drift answers")[2].partition("\n## ")[0]
    verdicts = {
        "done": Verdict.ANSWERED,
        "it is about this contact": Verdict.ANSWERED,
        "the token is bad": Verdict.FATAL,
        "something that is not": Verdict.FATAL,
        "too many requests": Verdict.THROTTLED,
        "a fault": Verdict.FAULT,
    }
    told: dict[int, Verdict] = {}
    for statuses, meaning in re.findall(r"^\| (\d[^|]*) \| ([^|]*)", section, re.MULTILINE):
        (verdict,) = (verdict for words, verdict in verdicts.items() if meaning.startswith(words))
        for first, last in re.findall(r"(\d{3})(?: to (\d{3}))?", statuses):
            told |= dict.fromkeys(range(int(first), int(last or first) + 1), verdict)
    assert {classify(status) for status in range(400, 500) if status not in told} == {Verdict.ANSWERED}
    assert {status: classify(status) for status in told} == told
    assert set(told.values()) == {*Verdict} - {Verdict.RENEWED, Verdict.UNSENT}
