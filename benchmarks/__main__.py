"""Runs the benchmarks that are named, or all of them, and prints what each must reach beside what it reaches."""

from __future__ import annotations

import argparse
import os
import platform

from benchmarks import planning, rate, sending
from benchmarks.table import Figure, show

BENCHMARKS = {"planning": planning.measure, "sending": sending.measure, "rate": rate.measure}


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the planned model (default 1,000,000)")
    parser.add_argument("--seconds", type=int, default=60, help="how long the rate is watched (default 60)")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}")
    for name in given.names or BENCHMARKS:
        figures: list[Figure] = BENCHMARKS[name](given)
        show(name, figures)


if __name__ == "__main__":
    main()
