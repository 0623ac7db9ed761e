"""SIGKILL at random moments: the next run ends where an undisturbed one ends, and little is sent twice."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.support.people import change_model, expected, held, make_model, needed, written
from tests.support.processes import Syncs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Bench
    from tests.support.people import People

KILLS = int(os.environ.get("DBT_DRIFT_SOAK_KILLS", "200"))
ROWS = int(os.environ.get("DBT_DRIFT_SOAK_ROWS", "20000"))
SEED = int(os.environ.get("DBT_DRIFT_SOAK_SEED", "1"))

FIRST_KILLS = 20
"""How many kills the first sync gets: the rest falls on updates, which stage, delete and fold more."""

REPEATED = 2 * (500 + 4 * 128)
"""The writes that one kill may cost: one flush of the journal and what the workers had taken on, each contact two."""


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_kills_at_random_moments(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(SEED)  # noqa: S311 - chance that can be repeated, not a secret
    syncs = Syncs(bench, tmp_path / "log")
    make_model(bench, ROWS)
    before: People = {}
    kills = round_number = most_repeated = all_repeated = 0
    length = 10.0
    while kills < KILLS:
        after = expected(bench, before)
        written_before = written(bench)
        killed = 0
        for _ in range(min(FIRST_KILLS, KILLS) if not before else chance.randint(1, 6)):
            killed += syncs.kill(chance.uniform(0, length)).alive
        length = syncs.finish()
        assert held(bench) == after
        repeated = written(bench) - written_before - needed(before, after)
        assert 0 <= repeated <= killed * REPEATED
        most_repeated = max(most_repeated, repeated // max(killed, 1))
        all_repeated += repeated
        kills += killed
        before = after
        round_number += 1
        with capsys.disabled():
            print(f"{bench.warehouse.kind}: round {round_number}, {kills} kills, {repeated} writes repeated")  # noqa: T201 - for who waits
        change_model(bench, round_number)
    with capsys.disabled():
        print(  # noqa: T201 - the figures of the test
            f"{bench.warehouse.kind}: {kills} kills in {round_number} rounds over {len(before)} contacts: "
            f"{all_repeated} writes repeated, at most {most_repeated} a kill in any round"
        )
