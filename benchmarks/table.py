"""How figures are printed."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One measured figure: what it is, what was found, and what it must reach ("" where nothing is promised)."""

    what: str
    found: str
    must: str = ""
    reached: bool = True


def show(name: str, figures: list[Figure]) -> None:
    """Print a small table."""
    print(f"\n## {name}\n")
    print("| figure | found | must reach | |")
    print("|---|---|---|---|")
    for figure in figures:
        verdict = ("yes" if figure.reached else "NO") if figure.must else ""
        print(f"| {figure.what} | {figure.found} | {figure.must} | {verdict} |", flush=True)
