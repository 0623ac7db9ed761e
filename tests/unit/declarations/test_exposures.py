"""The file of exposures: what stands in it is data, and it is written whole or not at all."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dbt_drift.declarations.exposures import Owner, exposures_difference, exposures_file, write_exposures
from dbt_drift.declarations.syncs import declare
from dbt_drift.errors import ConfigurationError
from tests.support.projects import EMAIL, manifest, node

if TYPE_CHECKING:
    from pathlib import Path

SOMEBODY = Owner("Lee")


def content_of(*nodes: dict[str, Any]) -> str:
    project = manifest(*nodes)
    return exposures_file(project, declare(project), owner=SOMEBODY, url="https://app.drift.com")


@pytest.mark.parametrize(
    "members",
    [
        {"name": "dim_i') ~ env_var('HOME') ~ ref('dim_i"},
        {"name": "dim\\"},
        {"name": "dim{{ 1 }}"},
        {"name": "dim\n"},
        {"package_name": "other', 'x"},
        {"version": "1') ~ ref('x"},
    ],
)
def test_a_name_that_could_bring_an_expression_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="cannot stand in a ref"):
        content_of(node(drift=EMAIL, **members))


@pytest.mark.parametrize(
    ("members", "ref"),
    [
        ({"name": "dim contacts.é-1"}, "ref('dim contacts.é-1')"),
        ({"version": 2}, "ref('dim_contacts', v=2)"),
        ({"version": "2024-01"}, "ref('dim_contacts', v='2024-01')"),
        ({"package_name": "other"}, "ref('other', 'dim_contacts')"),
    ],
)
def test_every_usual_name_is_taken(members: dict[str, Any], ref: str) -> None:
    (exposure,) = yaml.safe_load(content_of(node(drift=EMAIL, **members)))["exposures"]
    assert exposure["depends_on"] == [ref]


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "drift_exposures.yml", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    content = content_of(node(drift=EMAIL))
    for refused in (
        lambda: write_exposures(path, content, manifest(), root=tmp_path),
        lambda: exposures_difference(path, content),
    ):
        with pytest.raises(ConfigurationError, match="a link to a file that is not there"):
            refused()
    assert not elsewhere.exists()


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "models" / "drift_exposures.yml"
    before = content_of(node(drift=EMAIL))
    write_exposures(path, before, manifest(), root=tmp_path)
    assert [found.name for found in path.parent.iterdir()] == [path.name]

    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # as on a full disk
    try:
        with pytest.raises(OSError, match="too large"):
            write_exposures(path, before + "# more", manifest(), root=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]
