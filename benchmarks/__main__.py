"""Runs the benchmarks that are named, or all of them, and prints what each must reach beside what it reaches."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version

from benchmarks import cost, planning, rate, sandbox, sending
from benchmarks.table import Figure, show

BENCHMARKS = {
    "planning": planning.measure,
    "cost": cost.measure,
    "sending": sending.measure,
    "rate": rate.measure,
    "sandbox": sandbox.measure,
}
FULL = {"rows": 1_000_000, "contacts": 5000, "seconds": 60, "rounds": 5}
QUICK = {"rows": 10_000, "contacts": 100, "seconds": 20, "rounds": 1}


def main() -> int:
    """Parse, measure, print; 1 when a figure does not reach what it must, unless the measuring was quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--rows", type=int, help="rows of the planned model (default 1,000,000)")
    parser.add_argument("--contacts", type=int, help="contacts that are sent (default 5,000, and no more)")
    parser.add_argument("--seconds", type=int, help="how long the rate is watched, in windows of 20 (default 60)")
    parser.add_argument("--rounds", type=int, help="how often each is measured; the median counts (default 5)")
    parser.add_argument("--quick", action="store_true", help="little of everything: shows that it runs, not how fast")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    for name, size in (QUICK if given.quick else FULL).items():
        setattr(given, name, getattr(given, name) or size)
    print(_machine())
    reached = True
    for name in given.names or BENCHMARKS:
        figures: list[Figure] = BENCHMARKS[name](given)
        show(name, figures)
        reached &= all(figure.reached for figure in figures)
    return 0 if reached or given.quick else 1


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    programs = ", ".join(f"{name} {version(name)}" for name in ("dbt-drift", "dbt-core", "duckdb", "psycopg2-binary"))
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    return f"{machine}, {programs}"


if __name__ == "__main__":
    sys.exit(main())
