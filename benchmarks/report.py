"""A figure, the machine that it was measured on, and how both are printed."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Figure(NamedTuple):
    """One measured figure.

    Attributes:
        what: What was measured.
        value: The figure.
        unit: What it counts; "" for a ratio.
        at_least: The least that it must be, or None.
        at_most: The most that it may be, or None.
        detail: What it was made of.
    """

    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def missed(self) -> bool:
        """Whether there is a target and the figure does not reach it."""
        low, high = self.at_least, self.at_most
        return (low is not None and self.value < low) or (high is not None and self.value > high)


def machine() -> str:
    """Return what figures depend on, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    programs = ", ".join(f"{name} {version(name)}" for name in ("dbt-drift", "dbt-core", "duckdb", "aiohttp"))
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}; {programs}"
    )


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table in Markdown."""
    lines = ["| measured | figure | made of | target | |", "| --- | ---: | --- | --- | --- |"]
    for figure in figures:
        lines.append(
            f"| {figure.what} | {_number(figure.value)}{figure.unit and ' ' + figure.unit} | {figure.detail}"
            f" | {_target(figure)} | {_verdict(figure)} |"
        )
    return "\n".join(lines)


def seconds(value: float) -> str:
    """Return a duration for a person."""
    return f"{value:.2f} s"


def _target(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"at least {_number(figure.at_least)}"
    return f"at most {_number(figure.at_most)}" if figure.at_most is not None else ""


def _verdict(figure: Figure) -> str:
    if figure.at_least is None and figure.at_most is None:
        return ""
    return "MISSED" if figure.missed else "ok"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
