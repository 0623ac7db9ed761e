"""Nothing that we ship or show says `meta` anywhere but below `config`: dbt 2 refuses all else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dbt_drift.declarations.exposures import Owner, exposures_file
from dbt_drift.declarations.syncs import declare
from dbt_drift.init.properties import new_file
from dbt_drift.init.proposal import Proposal
from tests.support.projects import EMAIL, manifest, node

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PROPERTIES = sorted(
    path
    for folder in ("integration_project", "macros", "models")
    for path in (ROOT / folder).rglob("*.y*ml")
    if not {"target", "dbt_packages"} & set(path.parts)
)
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "integration_project").rglob("*.md")),
]
RESOURCES = {
    "models",
    "seeds",
    "snapshots",
    "sources",
    "exposures",
    "macros",
    "tables",
    "columns",
    "data_tests",
    "versions",
}


def shipped() -> Iterator[tuple[str, Any]]:
    for path in PROPERTIES:
        yield str(path.relative_to(ROOT)), yaml.safe_load(path.read_text(encoding="utf-8"))
    for page in PAGES:
        for number, block in enumerate(
            re.findall(r"^```ya?ml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        ):
            yield f"{page.relative_to(ROOT)}#{number}", yaml.safe_load(block)


def at_the_top(value: Any, path: str = "", *, is_resource: bool = False) -> list[str]:
    """Return where `meta` is a member of a resource itself."""
    if isinstance(value, list):
        return [
            found for one in value for found in at_the_top(one, path, is_resource=path.rpartition(".")[2] in RESOURCES)
        ]
    if not isinstance(value, dict):
        return []
    here = [f"{path}.meta"] if is_resource and "meta" in value else []
    return here + [found for key, one in value.items() for found in at_the_top(one, f"{path}.{key}")]


@pytest.mark.parametrize(
    ("name", "document"), list(shipped()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_meta_stands_below_config(name: str, document: Any) -> None:
    assert not at_the_top(document), name


def test_nor_do_the_commands_write_it_elsewhere() -> None:
    project = manifest(node(drift=EMAIL))
    exposures = yaml.safe_load(exposures_file(project, declare(project), owner=Owner("me"), url="https://example.com"))
    properties = yaml.safe_load(new_file("people", Proposal(fields={"email": "email"})))

    for written in (exposures["exposures"][0], properties["models"][0]):
        assert "meta" in written["config"]
    assert not at_the_top(exposures) + at_the_top(properties)


def test_the_other_place_would_be_found() -> None:
    columns = [{"name": "a", "meta": {"drift": "a"}}, {"name": "b", "config": {"meta": {"drift": "b"}}}]
    model = {"name": "people", "columns": columns}

    assert at_the_top({"models": [model]}) == [".models.columns.meta"]
    assert at_the_top({"models": [{"name": "people", "meta": {}}]}) == [".models.meta"]
    assert at_the_top({"models": [{"name": "people", "versions": [{"v": 1, "meta": {}}]}]}) == [".models.versions.meta"]
