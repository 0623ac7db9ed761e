"""`python -m benchmarks [benchmark ...]`."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import memory, planning, rate, sandbox, sending
from benchmarks.report import machine, table
from benchmarks.scale import QUICK, Scale

_BENCHMARKS = {
    "planning": planning.measure,
    "memory": memory.measure,
    "sending": sending.measure,
    "rate": rate.measure,
    "sandbox": sandbox.measure,
}


def main() -> int:
    """Run the benchmarks that are named, or all; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures dbt-drift.")
    parser.add_argument("benchmarks", nargs="*", metavar="benchmark", help=f"any of {', '.join(_BENCHMARKS)}; else all")
    parser.add_argument("--rows", type=int, help="rows of the model in the benchmarks of the warehouse")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything: shows that it works, not how fast")
    given = parser.parse_args()
    if unknown := set(given.benchmarks) - set(_BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(_BENCHMARKS)}")
    scale = QUICK if given.quick else Scale()
    if given.rows:
        scale = scale._replace(rows=given.rows)

    print(machine())
    missed = False
    for name in given.benchmarks or _BENCHMARKS:
        started = time.monotonic()
        figures = list(_BENCHMARKS[name](scale))
        print(f"\n## {name} ({time.monotonic() - started:.0f} s)\n\n{table(figures)}", flush=True)
        missed |= any(figure.missed for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
