"""Writes the generated documentation: ``python docs/generate.py [folder]``, the folder of this file by default.

The reference page of declarations takes its keys from the definition; the prose around them stands here.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from dbt_drift.declarations.attributes import READ_ONLY, STANDARD
from dbt_drift.declarations.schema import json_schema
from dbt_drift.delivery.results import Results

EXAMPLE = """\
models:
  - name: dim_contacts
    config:
      meta:
        drift:
          fields:
            email: email
            name: full_name
            externalId: customer_id
            plan_tier: plan
          audiences:
            - tag: VIP
              mode: mirror
              when: is_vip
    columns:
      - name: phone_number
        config:
          meta:
            drift: phone
"""

_PAGE = """\
# Declarations

<!-- Written by `python docs/generate.py`: change dbt_drift/declarations or that script, then run it again. -->

You declare in a model's properties what Drift gets from it: each row is a contact, columns become its attributes, and
boolean columns decide on its tags. You can declare models, seeds and snapshots. This is a complete declaration:

```yaml
{example}```

dbt-drift reads it from `manifest.json`, so run `dbt build` or `dbt parse` after a change. It reports every problem of
every declaration at once, before it opens a connection. `null` is the same as leaving the key out.

## Where it can stand

- `config: {{meta: {{drift: ...}}}}` in a properties file. This is the only place that dbt 2 accepts.
- `meta: {{drift: ...}}` beside `config`, in dbt 1.
- `config(meta={{"drift": ...}})` in the model's file.
- `+meta: {{drift: ...}}` in `dbt_project.yml`, for a folder of models.

dbt merges `meta` key by key, but not what is below a key: a `drift` at one level replaces the whole inherited `drift`,
including `fields`. `drift: false` removes an inherited declaration. The versions of a model inherit its `meta`, and
two of them cannot write the same attributes, so set `drift: false` for all but one.

## {declaration}

{field}

For examples of the options, see [attributes](../how-to/attributes.md).

{audience}

{guards}

## Under the column

The `meta.drift` of a column is the Drift attribute that it fills: `drift: phone` under the column is the same as
`phone: phone_number` under `fields`. The long form is `drift: {{attribute: phone, overwrite: false}}`. Declare the
model itself too, at least with `drift: {{}}`.

{column_field}

## Attributes

Drift's own attributes that can be mapped:

{standard}

Spell the names exactly as above: dbt-drift refuses a similar name such as `Email` or `external_id`. Any other name is a
custom attribute, except these, which Drift sets itself:

{read_only}

## What is refused, and why

- **Object modes other than `upsert`.** Drift's API creates or changes single contacts and cannot list them, so a
  `mirror` could not find the contacts to remove. `insert` and `update` would each do half of an upsert, and are not
  offered.
- **A sync without `email`**, and `match_on: externalId` without `externalId`.
- **Two columns for one attribute** of a model, and **one attribute in two models**: each sync would undo the other's
  work. Only the keys can be in several models: `email`, and `externalId` if the models match on it.
- **One tag in two audiences** of a model, and **one tag in two models with different modes**: they would undo each
  other's work. Two models can both `add` a tag or both `remove` it. Names that differ only in case are the same tag.
- **`nulls: clear` on `email` or `externalId`**, which identify the contact, and together with `overwrite: false`.
  The model's own `nulls: clear` does not apply to these fields.
- **Anything without a relation**: ephemeral and disabled models, sources, analyses, tests, exposures.

A sync checks at its start whether the mapped columns exist. It compares names exactly, or else without case.

## In an editor, in CI

`dbt-drift schema` prints a JSON Schema (draft 2020-12) of properties files with declarations. It checks only
`meta.drift`. In the project's root, run:

    dbt-drift schema > drift.schema.json

In an editor with the YAML language server, name that file in the first line of the properties file, by a path
relative to the properties file or by a URL. For `models/schema.yml`:

```yaml
# yaml-language-server: $schema=../drift.schema.json
```

The editor then completes keys, explains them and marks mistakes. The line replaces any other schema that the editor
has for the file, such as that of a dbt extension: leave it out to keep that one.

In CI, use any validator of that draft, such as `check-jsonschema` (from PyPI):

    check-jsonschema --schemafile drift.schema.json models/schema.yml

The part for `meta.drift` alone is `#/$defs/Declaration`. A schema checks one file before dbt renders it: it does not
know other models or the value of a `{{{{ var(...) }}}}`. dbt-drift's own check of the manifest decides.
"""


def reference_page() -> str:
    """Return the page as Markdown."""
    definitions = json_schema()["$defs"]
    return _PAGE.format(
        example=EXAMPLE,
        declaration=_section("`meta.drift` of a model", definitions["Declaration"]),
        field="### " + _section("A field's long form", definitions["Field"]),
        column_field="### " + _section("A column's long form", definitions["ColumnField"]),
        audience="### " + _section("`audiences`", definitions["Audience"]),
        guards="### " + _section("`guards`", definitions["Guards"]),
        standard="\n".join(f"- `{name}`: {meaning}" for name, meaning in STANDARD.items()),
        read_only="\n".join(f"- {_listed(names)}: {reason}." for reason, names in _by_reason().items()),
    )


def _section(title: str, definition: dict[str, Any]) -> str:
    """Return a heading, what the definition is, and a table of its keys."""
    rows = [
        f"| `{name}` | {_values(key)} | {_default(name, key, definition)} | {key['description']} |"
        for name, key in definition["properties"].items()
    ]
    table = "\n".join(["| key | value | default | meaning |", "| --- | --- | --- | --- |", *rows])
    return f"{title}\n\n{definition['description']}\n\n{table}"


def _values(key: dict[str, Any]) -> str:
    if "enum" in key:
        return " or ".join(f"`{choice}`" for choice in key["enum"])
    choices = [form for form in key.get("anyOf", [key]) if form.get("type") != "null"]
    if "enum" in choices[0]:
        return _values(choices[0])
    kind = choices[0].get("type", "object")  # what another definition describes is a mapping
    return _WORDS[kind]


_WORDS = {
    "string": "text",
    "object": "mapping",
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
}


def _default(name: str, key: dict[str, Any], definition: dict[str, Any]) -> str:
    if name in definition["required"]:
        return "required"
    default = key["default"]
    return "" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _by_reason() -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, reason in READ_ONLY.items():
        grouped.setdefault(reason, []).append(name)
    return grouped


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of target/drift_results.json, made from its types."""
    (root,), definitions = msgspec.json.schema_components([Results], ref_template="#/$defs/{name}")
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "target/drift_results.json of dbt-drift",
        **root,
        "$defs": definitions,
    }


def generated() -> dict[str, str]:
    """Return the content of each generated file by its path below the docs folder."""
    return {
        "reference/declarations.md": reference_page(),
        "schemas/meta.drift.schema.json": json.dumps(json_schema(), indent=2) + "\n",
        "schemas/drift_results.v1.schema.json": json.dumps(results_schema(), indent=2) + "\n",
    }


def main(docs: Path) -> None:
    """Write the generated files below the docs folder."""
    for name, content in generated().items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
