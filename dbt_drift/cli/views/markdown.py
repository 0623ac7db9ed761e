"""How a plan looks as the comment of a pull request: what it takes away first, the rest folded, no personal data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dbt_drift.delivery.results import RowCounts
from dbt_drift.escaping import escaped
from dbt_drift.wording import counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.delivery.plan import SyncPlan

MARKER = "<!-- dbt-drift plan -->"
"""The first line, by which a later run finds the comment and replaces it."""


def plan_markdown(plans: list[SyncPlan]) -> str:
    """Return the plans as Markdown."""
    return "\n".join([MARKER, *_lines(plans)])


def _lines(plans: list[SyncPlan]) -> Iterator[str]:
    sendable = sum(plan.counts.sendable for plan in plans)
    yield f"### Drift: {counted(sendable, 'contact')} would be sent" if sendable else "### Drift: nothing would be sent"
    yield ""
    yield from _impact(plans)
    yield "| model | rows | new | changed | left | unchanged | cannot be sent |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for plan in plans:
        counts = plan.counts
        numbers = (counts.rows, counts.new, counts.changed, counts.departed, counts.unchanged, _unsendable(plan))
        yield f"| {_code(plan.name)} | " + " | ".join(f"{number:,}" for number in numbers) + " |"
    for plan in plans:
        yield from _details(plan)


def _impact(plans: list[SyncPlan]) -> Iterator[str]:
    """Yield what somebody has to look at: what is blocked, taken away or cannot be sent."""
    found = [line for plan in plans for line in _impact_of(plan)]
    yield from found
    if found:
        yield ""


def _impact_of(plan: SyncPlan) -> Iterator[str]:
    model, counts = _code(plan.name), plan.counts
    if plan.blocked:
        yield f"- **{model} would be blocked**: {_text(plan.blocked.splitlines()[0])}"
    for tag, count in counts.tags_removed.items():
        if count:
            of = counts.tags_carried.get(tag)
            yield f"- **{model}**: {_of(count, of)} would lose the tag {_code(tag)}"
    for name, count in counts.values_cleared.items():
        if count:
            of = counts.values_set.get(name)
            yield f"- **{model}**: {_of(count, of)} would lose the value of {_code(name)}"
    if counts.invalid:
        reasons = ", ".join(f"{_code(reason)} {count:,}" for reason, count in counts.invalid.items())
        yield f"- **{model}**: {counted(sum(counts.invalid.values()), 'row')} cannot be sent: {reasons}"


def _of(count: int, total: int | None) -> str:
    return counted(count, "contact") if total is None else f"{count:,} of {counted(total, 'contact')}"


def _details(plan: SyncPlan) -> Iterator[str]:
    counts = plan.counts
    lines = [f"| {_code(name)} | {count:,} |" for name, count in counts.attributes.items() if count]
    lines += [f"| tag {_code(tag)} added | {count:,} |" for tag, count in counts.tags_added.items() if count]
    lines += [f"| tag {_code(tag)} taken away | {count:,} |" for tag, count in counts.tags_removed.items() if count]
    if not lines:
        return
    cost = plan.cost
    lasts = f", {duration(cost.seconds)} at the quota" if cost.seconds and cost.seconds >= 1 else ""
    yield ""
    yield f"<details><summary>{escaped(_text(plan.name))}: attributes and tags</summary>"
    yield ""
    yield "| what | contacts |"
    yield "| --- | ---: |"
    yield from lines
    yield ""
    yield f"At most {counted(cost.requests, 'request')}{lasts}."
    yield ""
    yield "</details>"


def _unsendable(plan: SyncPlan) -> int:
    return RowCounts.staged(plan.counts).not_through


def _code(text: str) -> str:
    """Return a name from outside as code, which renders nothing and stays in its cell."""
    ticks = max((len(run) for run in re.findall("`+", text)), default=0) + 1
    pad = " " if "`" in text else ""
    return f"{'`' * ticks}{pad}{escaped(text).replace('|', chr(92) + '|')}{pad}{'`' * ticks}"


def _text(text: str) -> str:
    """Return a text from outside with all that Markdown or HTML would read escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|&!~])", r"\\\1", escaped(text))
