"""The pages say what the program does: links, commands, options, declarations, fields and macros are compared."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import pytest
import yaml

from dbt_drift.alerts.channels import VARIABLES
from dbt_drift.alerts.deliver import SECONDS
from dbt_drift.alerts.incident import TITLES
from dbt_drift.alerts.judge import ENOUGH_RUNS, LAST_RUNS, LEAST_ROWS
from dbt_drift.binding.settings import Alerts, Failures, Guards, RateLimit, Settings, read_settings
from dbt_drift.cli.auth import DEFAULT_PORT as SIGN_IN_PORT
from dbt_drift.cli.main import group
from dbt_drift.cli.sandbox import DEFAULT_PORT as SANDBOX_PORT
from dbt_drift.declarations.syncs import declare
from dbt_drift.delivery.plan import SyncPlan
from dbt_drift.delivery.pump import FLUSH_ROWS, FLUSH_SECONDS, PAGE_ROWS, UNWRITTEN_ROWS
from dbt_drift.delivery.results import ContactCounts, Metadata, Rejection, RowCounts, SyncResult
from dbt_drift.delivery.saved_plan import SavedPlan, SavedSync
from dbt_drift.delivery.sending import REJECTIONS_KEPT, SHARE_COUNTS_FROM
from dbt_drift.drift.contact import reasons
from dbt_drift.drift.engine.client import WORKERS
from dbt_drift.drift.http.endpoints import MOST_JOINED
from dbt_drift.drift.http.retry_policy import RetryPolicy
from dbt_drift.integrations.process import GRACE_SECONDS
from dbt_drift.ledger.lock import SIGN_SECONDS
from dbt_drift.ledger.patience import AWAY_SECONDS
from dbt_drift.sandbox.behaviour import Behaviour, Fault
from dbt_drift.sandbox.calls.call import _DEEPEST
from dbt_drift.sandbox.calls.routes import ROUTES
from dbt_drift.sandbox.control import _HANDLERS
from dbt_drift.sandbox.traffic.requestlog import _LONGEST_BODY, _MOST_CONTENTS
from dbt_drift.sandbox.transport import _LARGEST_BODY
from tests.support.projects import manifest, node

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if page.name not in {"declarations.md", "benchmarks.md"}]  # the others are generated
MACROS = ROOT / "macros"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table_rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| ") and not set(line) <= set("|- "):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def first_cells(text: str) -> set[str]:
    """Return what stands in code spans in the first column of the page's tables."""
    return {found for row in table_rows(text) for found in re.findall(r"`([^`]+)`", row[0])}


# Links


def anchors(page: Path) -> set[str]:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_internal_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_is_reachable_from_the_contents() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(page.read_text())]
    assert set(PAGES) <= reached


# Commands


def commands_in(page: Path) -> Iterator[list[str]]:
    """Yield the arguments of every `dbt-drift ...` in code, without what the shell takes off."""
    text = page.read_text(encoding="utf-8")
    lines = [line for _, block in FENCE.findall(text) for line in block.splitlines()]
    rest = FENCE.sub("", text)
    lines += re.findall(r"^    (.+)$", rest, re.MULTILINE) + re.findall(r"`([^`\n]+)`", rest)
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a line of prose, YAML or JSON with one quote
            continue
        starts = [at for at, word in enumerate(words) if word == "dbt-drift"]
        for start in starts:
            if start and not (set(words[start - 1]) <= set("&|;$:") or words[start - 1] == "run"):
                continue  # an argument of something else
            ends = [at for at in range(start + 1, len(words)) if set(words[at]) <= set("&|;<>")]
            yield words[start + 1 : ends[0] if ends else None]


def parses(arguments: list[str]) -> bool:
    """Return whether click takes a command line; nothing is run."""
    try:
        context = group.make_context("dbt-drift", list(arguments))
        assert isinstance(context.command, click.Group)
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:  # --version, --help
        return True
    except click.ClickException:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_command_lines_are_real(page: Path) -> None:
    assert [shlex.join(arguments) for arguments in commands_in(page) if not parses(arguments)] == []


def test_the_command_lines_are_found() -> None:
    found = {words[0] for page in PAGES for words in commands_in(page) if words}
    assert found >= {"plan", "sync", "check", "sandbox", "demo", "--version"}


def test_a_wrong_command_line_is_noticed() -> None:
    wrong = ["sync --thread=x", "snyc", "plan --rows many", "check --rows 1", "plan --vars x"]
    assert not any(parses(line.split()) for line in wrong)


def all_commands(parent: click.Group = group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command by its whole name, those of groups too."""
    context = click.Context(parent)
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


@cache
def options_of_commands() -> dict[str, dict[str, click.Option]]:
    found: dict[str, dict[str, click.Option]] = {}
    for name, command in all_commands():
        for option in command.params:
            if isinstance(option, click.Argument):
                continue  # named in the table of commands
            assert isinstance(option, click.Option)
            for spelling in [*option.opts, *option.secondary_opts]:
                found.setdefault(spelling, {})[name] = option
    return found


def test_the_option_table_is_that_of_the_commands() -> None:
    section = text_of("reference/cli.md").partition("## Options")[2].partition("\n## ")[0]
    rows = {spelling: row for row in table_rows(section) for spelling in re.findall(r"`(-[^`]+)`", row[0])}

    assert set(rows) == {*options_of_commands(), "--help", "-h"}
    for spelling, commands in options_of_commands().items():
        assert set(rows[spelling][1].split(", ")) == set(commands), spelling


def test_the_options_are_described_in_their_own_words() -> None:
    page = text_of("reference/cli.md")
    for spelling, commands in options_of_commands().items():
        for option in commands.values():
            if isinstance(option.type, click.Choice):
                assert all(f"`{choice}`" in page for choice in option.type.choices), spelling
            else:
                words = re.split(r"[.;\[]", option.help or "")[0].strip()
                assert words in page, spelling


def test_every_command_is_in_the_table() -> None:
    described = first_cells(text_of("reference/cli.md"))
    for name, _ in all_commands():
        assert any(f"{cell} ".startswith(f"dbt-drift {name} ") for cell in described), name


# Declarations and settings


def yaml_examples() -> list[tuple[str, str]]:
    return [
        (name_of(page), block) for page in PAGES for kind, block in FENCE.findall(page.read_text()) if kind == "yaml"
    ]


def test_the_declarations_shown_are_right() -> None:
    shown = 0
    for page, block in yaml_examples():
        document = yaml.safe_load(block) or {}
        for model in document.get("models", []) if re.search(r"^\s*drift:", block, re.MULTILINE) else []:
            columns = {one["name"]: one["config"]["meta"]["drift"] for one in model.get("columns", [])}
            assert declare(manifest(node(model["name"], model["config"]["meta"]["drift"], columns=columns))), page
            shown += 1
    assert shown >= 5


def test_the_settings_shown_are_right() -> None:
    given = [found for _, block in yaml_examples() if (found := ((yaml.safe_load(block) or {}).get("vars") or {}))]
    inline = re.findall(r"--vars '(\{dbt_drift: .*?\})'", "".join(page.read_text() for page in PAGES))
    documents = [*given, *map(yaml.safe_load, inline)]

    assert len(documents) >= 4
    for document in documents:
        read_settings(document["dbt_drift"])


def test_every_setting_has_its_row() -> None:
    names = {field.name for field in msgspec.structs.fields(Settings)} - {"rate_limit", "failures", "guards", "alerts"}
    names |= {f"rate_limit.{field.name}" for field in msgspec.structs.fields(RateLimit)}
    names |= {f"failures.{field.name}" for field in msgspec.structs.fields(Failures)}
    names |= {f"guards.{field.name}" for field in msgspec.structs.fields(Guards)}
    names |= {f"alerts.{field.name}" for field in msgspec.structs.fields(Alerts)}
    assert first_cells(text_of("reference/settings.md")) == names


# What other pages list


def test_the_fields_of_the_results_are_all_there() -> None:
    expected = {field.name for field in msgspec.structs.fields(Metadata)}
    expected |= {field.name for field in msgspec.structs.fields(SyncResult)} - {"contacts"}
    expected |= {f"rows.{field.name}" for field in msgspec.structs.fields(RowCounts)}
    expected |= {f"contacts.{field.name}" for field in msgspec.structs.fields(ContactCounts)}
    expected |= {"plan_version", "plans[].changes[]", "plans[].invalid[]"}
    expected |= {f"plans[].{field.name}" for field in msgspec.structs.fields(SyncPlan)} - {
        "plans[].changes",
        "plans[].invalid",
    }
    expected |= {"metadata"}
    page = text_of("reference/results.md")
    before, _, rest = page.partition("## The saved plan\n")
    section, _, after = rest.partition("\n## ")

    assert first_cells(before + after) == expected
    fields = [*msgspec.structs.fields(SavedPlan), *msgspec.structs.fields(SavedSync)]
    for name in {field.name for field in fields} - {"syncs"}:
        assert f"{name}`" in section, name
    for field in msgspec.structs.fields(Rejection):
        assert f"`{field.name}`" in page


def test_every_alert_and_its_variables_are_explained() -> None:
    page = text_of("how-to/alerts.md")
    assert first_cells(page) == set(TITLES)
    assert all(f"`{name}`" in page and f"`{name}`" in text_of("reference/cli.md") for name in VARIABLES)


def test_every_reason_is_explained() -> None:
    own = {
        value
        for name, value in vars(reasons).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }
    staged = set(re.findall(r"then '(\w+_\w+)'", (MACROS / "ledger" / "stage.sql").read_text()))

    assert len(own) == 8
    assert staged
    assert first_cells(text_of("reference/errors.md")) >= own | staged


def test_the_sandbox_page_has_every_call_and_switch() -> None:
    page = text_of("reference/sandbox.md")
    calls = {found.partition("?")[0] for found in first_cells(page)}
    rows = {row[0]: row for row in table_rows(page)}
    for path, methods in ROUTES.items():
        for method, route in methods.items():
            assert f"{method} {path}" in calls
            row = next(row for cell, row in rows.items() if cell.partition("?")[0].strip("`") == f"{method} {path}")
            assert row[1] == ("none" if route.scope is None else route.scope or "any token")
    for field in msgspec.structs.fields(Behaviour):
        default = msgspec.json.encode(field.default).decode().strip('"')
        assert rows[f"`{field.name}`"][1] == f"`{default}`", field.name
    assert first_cells(page) >= set(Fault.__struct_fields__)
    assert {f"{method} {path}" for method, path in _HANDLERS} <= first_cells(page)


def test_the_ledger_page_has_every_relation() -> None:
    relations = (MACROS / "ledger" / "relations.sql").read_text()
    names = set(re.findall(r"'(drift_\w+)'\)", relations)) | {
        f"<sync>__{name}" for name in re.findall(r"slug ~ '__(\w+)'", relations)
    }

    assert len(names) >= 6
    assert first_cells(text_of("reference/ledger.md")) >= names


LEASE = re.search(r"macro lease\(\) %\}\{\{ return\((\d+)\)", (MACROS / "ledger" / "lock.sql").read_text())
LEASE_SECONDS = int(LEASE[1]) if LEASE else 0
IN_WORDS = {8: "eight", 120: "two minutes", 300: "five minutes"}
QUOTED = {
    "README.md": [f"At most {UNWRITTEN_ROWS} contacts are sent again", f"127.0.0.1:{SANDBOX_PORT}"],
    "docs/explanation/how-it-works.md": [
        f"read in pages of {PAGE_ROWS}",
        f"Up to {WORKERS} requests are under way",
        f"after {FLUSH_ROWS} of them or {FLUSH_SECONDS:.0f} seconds",
        f"up to {IN_WORDS[RetryPolicy().tries]} faults for one contact",
    ],
    "docs/explanation/what-happens-when.md": [
        f"lock expires after {IN_WORDS[LEASE_SECONDS]}",
        f"at most the last {UNWRITTEN_ROWS} contacts again, or those of about {FLUSH_SECONDS:.0f} seconds",
        f"tries each contact up to {IN_WORDS[RetryPolicy().tries]} times",
        f"waits up to {IN_WORDS[int(AWAY_SECONDS)]}",
    ],
    "docs/reference/ledger.md": [
        f"at most {UNWRITTEN_ROWS} of them or {FLUSH_SECONDS:.0f} seconds",
        f"every {SIGN_SECONDS:.0f} seconds or so",
        f"After {IN_WORDS[LEASE_SECONDS]} without one it counts as dead",
    ],
    "docs/how-to/alerts.md": [
        f"{Alerts().factor:.0f} times as long",
        f"fewer than {LEAST_ROWS} rows",
        f"the last {LAST_RUNS} successful runs; `volume` and `slow` begin with {ENOUGH_RUNS} of them",
        f"All channels together have {SECONDS:.0f} seconds",
    ],
    "docs/how-to/ci-and-schedulers.md": [f"expires after {IN_WORDS[LEASE_SECONDS]}"],
    "docs/how-to/dagster.md": [f"It has {GRACE_SECONDS:.0f} seconds for that"],
    "docs/how-to/large-tables.md": [
        f"read in pages of {PAGE_ROWS}",
        f"`--threads` ({WORKERS})",
        f"lasted {RetryPolicy().patience / 60:.0f} minutes",
    ],
    "docs/how-to/rejected-rows.md": [
        f"more than {Failures().most:,} contacts fail, or more than half of at least {SHARE_COUNTS_FROM}",
    ],
    "docs/how-to/sign-in.md": [f"http://127.0.0.1:{SIGN_IN_PORT}/callback"],
    "docs/reference/results.md": [f"the first {REJECTIONS_KEPT} of this run"],
    "docs/reference/matching.md": [f"Up to {MOST_JOINED} are looked up in one request"],
    "docs/reference/sandbox.md": [
        f"at most {_LARGEST_BODY // 1024**2} MiB",
        f"{_DEEPEST} levels of nesting",
        f"the last {_MOST_CONTENTS:,} requests, at most {_LONGEST_BODY:,} characters each",
    ],
}


@pytest.mark.parametrize("page", QUOTED)
def test_the_numbers_that_a_page_quotes_are_the_programs(page: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert [words for words in QUOTED[page] if words not in text] == []
