"""The dbt project that the benchmarks sync: one model of any size with eight mapped attributes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dbt_drift.binding.prepare import prepare
from dbt_drift.project.options import ProjectOptions
from tests.support.harness import dbt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.drift.contact.change import MatchOn

MODEL = """
{{ config(materialized='table', meta={'drift': {'match_on': var('match_on'), 'fields': {
    'email': 'email', 'name': 'name', 'seats': 'seats', 'value': 'value', 'paying': 'paying', 'seen': 'seen',
    'plan': 'plan', 'externalId' if var('match_on') == 'externalId' else 'customer': 'customer'}}}) }}
select 'user' || i || '@example.com' as email, 'Name ' || i as name, cast(i as bigint) as seats,
       cast(i * 1.25 as decimal(14, 2)) as value, i % 3 = 0 as paying,
       cast('2024-01-01 00:00:00' as timestamp) + i * interval '1 second' as seen,
       'plan ' || (i % 5) as plan, 'cust_' || i as customer
from generate_series(1, {{ var('rows') }}) as g(i)
"""


def write_people(folder: Path, output: dict[str, Any], rows: int, *, match_on: MatchOn = "email") -> None:
    """Write the project and build it with dbt.

    Args:
        folder: Where the project goes.
        output: The output of its dbt profile.
        rows: How many rows the model has.
        match_on: What finds its contacts.
    """
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "people.sql").write_text(MODEL)
    settings = {"name": "bench", "version": "1.0", "profile": "bench", "vars": {"rows": rows, "match_on": match_on}}
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(settings))
    (folder / "profiles.yml").write_text(yaml.safe_dump({"bench": {"target": "dev", "outputs": {"dev": output}}}))
    dbt(folder, "run")


@contextlib.contextmanager
def prepared_people(folder: Path, **settings: Any) -> Iterator[Prepared]:
    """Yield the built project as `plan` and `sync` take it, with these settings of dbt-drift."""
    before = Path.cwd()
    os.chdir(folder)  # dbt-drift works in the project's root, as dbt does
    try:
        options = ProjectOptions(project_dir=str(folder), profiles_dir=str(folder), vars={"dbt_drift": settings})
        yield prepare(options)
    finally:
        os.chdir(before)
