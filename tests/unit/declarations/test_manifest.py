from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.declarations.manifest import Manifest, read_manifest
from dbt_drift.declarations.syncs import declare
from dbt_drift.errors import ConfigurationError
from tests.support.projects import EMAIL, VERSION_12, manifest_json, node

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, content: Any) -> Path:
    path = folder / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_what_is_read_is_what_dbt_wrote(tmp_path: Path) -> None:
    source = node("raw", resource_type="source")
    path = written(tmp_path, manifest_json(node(drift=EMAIL), source, disabled=(node("old"),)))

    manifest = read_manifest(path)

    assert isinstance(manifest, Manifest)
    assert manifest.metadata.project_name == "jaffle"
    assert [*manifest.nodes, *manifest.sources, *(manifest.disabled or {})] == [
        "model.jaffle.dim_contacts",
        "source.jaffle.raw",
        "model.jaffle.old",
    ]
    assert manifest.nodes["model.jaffle.dim_contacts"].drift == EMAIL


@pytest.mark.parametrize(
    ("config_meta", "meta", "found"),
    [
        ({"drift": EMAIL}, {}, EMAIL),
        ({}, {"drift": EMAIL}, EMAIL),
        (None, {"drift": EMAIL}, EMAIL),
        ({"drift": EMAIL}, {"drift": {}}, EMAIL),
        ({"drift": False}, {"drift": EMAIL}, False),
        ({"drift": {}}, {"drift": EMAIL}, {}),
        ({"drift": None}, {"drift": EMAIL}, EMAIL),
        ({"owner": "crm"}, {"owner": "crm"}, None),
        (None, None, None),
    ],
)
def test_config_meta_comes_before_meta(tmp_path: Path, config_meta: Any, meta: Any, found: Any) -> None:
    one = node(columns={"email": "email"}, meta=meta)
    one["config"]["meta"] = config_meta
    one["columns"]["email"] = {"name": "email", "meta": meta, "config": {"meta": config_meta}}

    read = read_manifest(written(tmp_path, manifest_json(one))).nodes["model.jaffle.dim_contacts"]

    assert read.drift == found
    assert (read.columns or {})["email"].drift == found


def test_dbt_2_leaves_out_what_is_null(tmp_path: Path) -> None:
    bare = {
        "unique_id": "model.jaffle.dim_contacts",
        "resource_type": "model",
        "name": "dim_contacts",
        "package_name": "jaffle",
        "schema": "marts",
        "alias": "dim_contacts",
        "relation_name": "marts.dim_contacts",
        "original_file_path": "models/dim_contacts.sql",
        "config": {"meta": {"drift": EMAIL}},
    }
    path = written(
        tmp_path,
        {
            "metadata": {"dbt_schema_version": VERSION_12, "project_name": "jaffle"},
            "nodes": {"model.jaffle.dim_contacts": bare},
        },
    )

    (sync,) = declare(read_manifest(path))

    assert (sync.database, sync.path) == (None, "models/dim_contacts.sql")


def test_a_missing_manifest_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"There is no .*manifest\.json\.\n.*`dbt build` or `dbt parse`"):
        read_manifest(tmp_path / "manifest.json")


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "truncated"),
        ("<html>", "malformed"),
        ('{"metadata": {"dbt_schema_version": "', "truncated"),
        ("[]", "Expected `object`, got `array`"),
        ({}, "missing required field `metadata`"),
        ({"metadata": {"dbt_schema_version": VERSION_12}, "nodes": []}, r"Expected `object`, got `array` .*nodes"),
        ({"metadata": {"dbt_schema_version": "v12"}}, "its dbt_schema_version is 'v12'"),
        (
            {"metadata": {"dbt_schema_version": VERSION_12.replace("manifest/v12", "run-results/v6")}, "results": []},
            "its dbt_schema_version is '.*run-results/v6.json'",
        ),
        ('{"nodes": {"a": {"meta": {"drift": ' + "[" * 100_000, "maximum recursion depth"),
    ],
)
def test_what_is_no_manifest_is_refused_with_the_reason(tmp_path: Path, content: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"is not a manifest of dbt: (?s:.*){reason}(?s:.*)\n.*`dbt parse`"):
        read_manifest(written(tmp_path, content))


@pytest.mark.parametrize("nodes", [{}, []])
def test_a_manifest_of_an_old_dbt_is_refused_even_if_it_is_shaped_otherwise(tmp_path: Path, nodes: Any) -> None:
    metadata = {"dbt_schema_version": VERSION_12.replace("v12", "v11"), "dbt_version": "1.7.19"}

    with pytest.raises(ConfigurationError, match=r"has manifest version 11, written by dbt 1\.7\.19;"):
        read_manifest(written(tmp_path, {"metadata": metadata, "nodes": nodes}))


def test_a_later_version_is_read_as_long_as_it_can_be(tmp_path: Path) -> None:
    content = manifest_json(node(drift=EMAIL))
    content["metadata"]["dbt_schema_version"] = VERSION_12.replace("v12", "v13")

    assert declare(read_manifest(written(tmp_path, content)))[0].name == "dim_contacts"
