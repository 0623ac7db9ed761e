"""Syncs that are killed at random moments while the model goes on changing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.support.possible import Followed
from tests.support.processes import Syncs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dbt_drift.sandbox.behaviour import Fault
    from tests.support.harness import Bench


def kill_and_change(
    bench: Bench,
    log: Path,
    *,
    kills: int,
    rows: int,
    number: int,
    faults: Sequence[Fault] = (),
    tell: Callable[[int, int], None] = lambda _kills, _rounds: None,
) -> None:
    """Kill syncs at random moments; most times the model changes before the next one.

    After each few kills a sync comes to its end. Then Drift holds what it may hold, and the next sync sends nothing.

    Args:
        bench: Where that happens.
        log: Where the syncs print to.
        kills: How many.
        rows: Of the model at the beginning.
        number: What the moments and changes are drawn by.
        faults: What goes wrong in Drift meanwhile.
        tell: Told after each round how many kills and rounds there were.
    """
    chance = random.Random(number)  # noqa: S311 - chance that can be repeated, not a secret
    followed = Followed(bench, rows, chance)
    syncs = Syncs(bench, log, "--allow-removals", "--threads", "16")
    killed = rounds = 0
    length = 5.0
    while killed < kills:
        bench.sandbox.change(faults=list(faults))
        for _ in range(chance.randint(1, 4)):
            died = syncs.kill(chance.uniform(0, length))
            killed += died.alive
            if died.exit_code == 0:
                followed.ended()
            else:
                followed.began()
            if chance.random() < 0.7:
                followed.change()
        if chance.random() < 0.3:
            killed += 1
            followed.began()
            syncs.kill_one_of_two(chance.uniform(0, length))
        else:
            length = syncs.finish()
        followed.ended()
        followed.check()
        bench.sandbox.change(faults=[])
        bench.requests()
        syncs.finish()
        assert bench.requests() == 0, "the next sync sends something again"
        rounds += 1
        tell(killed, rounds)
        followed.change()
