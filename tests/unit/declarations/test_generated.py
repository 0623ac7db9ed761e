from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import example, given

from dbt_drift.declarations.definition import DriftMeta
from dbt_drift.declarations.problems import Report
from dbt_drift.declarations.schema import json_schema
from dbt_drift.declarations.shape import fit
from dbt_drift.declarations.syncs import declare
from docs.generate import EXAMPLE, generated
from tests.support.projects import manifest, node

from .test_any_json import DRIFT

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA = json_schema()
PROPERTIES = jsonschema.Draft202012Validator(SCHEMA)
DECLARATION = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["Declaration"], "$defs": SCHEMA["$defs"]})


@pytest.mark.parametrize("name", generated())
def test_the_generated_files_are_up_to_date(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")

    assert written == generated()[name], "run `python docs/generate.py`"


def test_the_generator_writes_where_it_is_told(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOCS / "generate.py", str(tmp_path)], check=True)

    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(generated())


def test_the_program_prints_the_schema() -> None:
    done = subprocess.run([sys.executable, "-m", "dbt_drift", "schema"], check=True, capture_output=True, text=True)

    assert done.stdout == (DOCS / "schemas" / "meta.drift.schema.json").read_text(encoding="utf-8")


def test_the_example_of_the_page_is_right() -> None:
    (model,) = yaml.safe_load(EXAMPLE)["models"]
    columns = {column["name"]: column["config"]["meta"]["drift"] for column in model["columns"]}

    (sync,) = declare(manifest(node(model["name"], model["config"]["meta"]["drift"], columns=columns)))

    assert [one.attribute for one in sync.attributes] == ["email", "name", "externalId", "plan_tier", "phone"]
    assert [(one.tag, one.mode, one.when) for one in sync.audiences] == [("VIP", "mirror", "is_vip")]
    PROPERTIES.validate(yaml.safe_load(EXAMPLE))


def test_the_page_describes_every_key() -> None:
    page = generated()["reference/declarations.md"]

    for definition in ("Declaration", "Field", "ColumnField", "Audience"):
        for name, key in SCHEMA["$defs"][definition]["properties"].items():
            assert re.search(rf"\| `{name}` \|.*\| {re.escape(key['description'])} \|", page)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((DOCS / "schemas/meta.drift.schema.json").read_text()))


def with_drift(drift: Any, attribute: Any = None) -> dict[str, Any]:
    column = {"name": "phone_number", "data_type": "text", "config": {"meta": {"drift": attribute, "pii": True}}}
    meta = {"owner": "crm", "drift": drift}
    model = {"name": "dim_contacts", "config": {"meta": meta}, "columns": [column], "data_tests": ["unique"]}
    return {"version": 2, "models": [model], "sources": [{"name": "raw", "meta": {"drift": 1}}]}


@pytest.mark.parametrize(
    ("drift", "attribute", "places"),
    [
        ({"fields": {"email": "email", "plan_tier": "plan"}}, "phone", []),
        (False, None, []),
        ({"mode": "insert"}, "phone", ["models/0/config/meta/drift"]),
        ({"field": {}}, "phone", ["models/0/config/meta/drift"]),
        ({"fields": {"start_date": "created"}}, "phone", ["models/0/config/meta/drift"]),
        ({"fields": {"email": 5}}, "phone", ["models/0/config/meta/drift"]),
        ({}, "tags", ["models/0/columns/0/config/meta/drift"]),
        ({"nulls": "clear", "fields": {"phone": {"column": "phone", "overwrite": False}}}, {"attribute": "name"}, []),
        ({"fields": {"phone": {"columm": "phone"}}}, "phone", ["models/0/config/meta/drift"]),
        ({}, {"attribute": "tags"}, ["models/0/columns/0/config/meta/drift"]),
        ({}, ["phone"], ["models/0/columns/0/config/meta/drift"]),
    ],
)
def test_an_editor_marks_what_is_wrong_in_a_properties_file(drift: Any, attribute: Any, places: list[str]) -> None:
    errors = PROPERTIES.iter_errors(with_drift(drift, attribute))

    assert ["/".join(map(str, error.absolute_path)) for error in errors] == places


def test_an_editor_looks_into_versions_too() -> None:
    version = {"v": 2, "config": {"meta": {"drift": {"mode": "insert"}}}}
    errors = PROPERTIES.iter_errors({"models": [{"name": "dim_contacts", "versions": [{"v": 1}, version]}]})

    assert ["/".join(map(str, error.absolute_path)) for error in errors] == ["models/0/versions/1/config/meta/drift"]


@given(DRIFT)
@example({"fields": {"plan\n": "plan"}})
@example({"fields": {"phone": {"column": "phone", "overwrite": False, "nulls": None}}})
@example({"fields": {"phone": {"overwrite": "no"}}})
@example({"audiences": [{"tag": "VIP", "mode": "upsert"}]})
def test_the_schema_and_the_validation_accept_the_same(drift: Any) -> None:
    report = Report("dim_contacts", "models/dim_contacts.yml")
    fitted = fit(drift, DriftMeta, "meta.drift", report)

    # The validation leaves it to its next step to refuse what Drift owns, and takes null for no key, as dbt 2 does.
    readable = not report.problems and not owned_by_drift(drift)
    assert readable == DECLARATION.is_valid(without_null_keys(drift))
    if not report.problems:
        assert fitted == msgspec.convert(without_null_keys(drift), DriftMeta)


def owned_by_drift(drift: Any) -> bool:
    owned = SCHEMA["$defs"]["Attribute"]["not"]["enum"]
    return any(name in owned for name in drift.get("fields") or {})


def without_null_keys(drift: Any) -> Any:
    if not isinstance(drift, dict):
        return drift
    kept = _without(drift, "Declaration")
    if isinstance(kept.get("audiences"), list):
        kept["audiences"] = [_without(one, "Audience") for one in kept["audiences"]]
    if isinstance(kept.get("fields"), dict):
        kept["fields"] = {name: _without(one, "Field") for name, one in kept["fields"].items()}
    return kept


def _without(value: Any, definition: str) -> Any:
    if not isinstance(value, dict):
        return value
    keys = SCHEMA["$defs"][definition]["properties"]
    return {key: one for key, one in value.items() if one is not None or key not in keys}
