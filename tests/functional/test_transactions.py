"""What a session promises: each transaction is one, also the second on one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.binding.prepare import prepare
from tests.support.ledgers import people, rows_of

if TYPE_CHECKING:
    from tests.support.harness import Bench


class BrokenOffError(Exception):
    """What a test breaks a transaction off with."""


def test_every_transaction_of_a_connection_is_undone_as_a_whole(bench: Bench) -> None:
    people(bench, 1)
    bench.sync()
    prepared = prepare(bench.options())
    insert = f"insert into {bench.ledger}.drift_attributes (name) values "

    def broken_off() -> None:
        with prepared.project.connect("test") as session:
            with session.transaction():
                session.call("execute", sql=f"{insert} ('first')")
            with session.transaction():
                session.call("execute", sql=f"{insert} ('second')")
                raise BrokenOffError

    with pytest.raises(BrokenOffError):
        broken_off()
    assert rows_of(bench, "drift_attributes", "name") == [("first",)]


def test_a_block_inside_of_another_has_its_connection(bench: Bench) -> None:
    people(bench, 1)
    project = prepare(bench.options()).project
    with project.connect("outer") as outer:
        with project.connect("inner") as inner:
            assert inner is outer
        assert list(outer.rows("select 1")) == [(1,)]
    with project.connect("after") as after:
        assert after is not outer
