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

A model says in its own properties what Drift should hold of it: each row a contact, some columns its attributes, some
boolean columns its tags. Models, seeds and snapshots can say so. This is a complete declaration:

```yaml
{example}```

dbt-drift reads it from `manifest.json`, so run `dbt build` or `dbt parse` after a change. Every problem of every
declaration is reported at once, before any connection is opened. `null` is the same as leaving the key out.

## Where it can stand

- `config: {{meta: {{drift: ...}}}}` in a properties file. This is the only place that dbt 2 accepts.
- `meta: {{drift: ...}}` beside `config`, in dbt 1.
- `config(meta={{"drift": ...}})` in the model's file.
- `+meta: {{drift: ...}}` in `dbt_project.yml`, for a folder of models.

dbt merges `meta` key by key, but not what is below a key: a `drift` at one level replaces the whole `drift` that was
inherited, `fields` and all. `drift: false` takes an inherited one back. The versions of a model inherit its `meta`; two
of them cannot write the same attributes, so give all but one `drift: false`.

## {declaration}

{field}

What the options are good for: [attributes](../how-to/attributes.md).

{audience}

{guards}

## Beside the column

The `meta.drift` of a column is the Drift attribute that it fills: `drift: phone` says the same as
`phone: phone_number` under `fields`, beside the description of the column. The long form is
`drift: {{attribute: phone, overwrite: false}}`. The model itself has to be declared too, if only by `drift: {{}}`.

{column_field}

## Attributes

Drift's own attributes that can be mapped:

{standard}

Names are spelled exactly as above; a near miss such as `Email` or `external_id` is refused. Any other name is a custom
attribute, except those that Drift keeps for itself:

{read_only}

## What is refused, and why

- **Object modes other than `upsert`.** Drift's API creates or changes single contacts and cannot list them. So `mirror`
  could not know whom to remove, and each row is looked up, then created or changed: `insert` and `update` would be half
  of that, and are not offered.
- **A sync without `email`**, and `match_on: externalId` without `externalId`.
- **Two columns for one attribute** of a model, and **one attribute written by two models**: each sync would undo the
  other's work. Only the keys are free: `email`, and `externalId` where it is matched on.
- **One tag in two audiences** of one model, and **one tag about which two models fight**: two may both `add` it or both
  `remove` it, any other pair would undo each other's work. Case does not tell two names apart.
- **`nulls: clear` on `email` or `externalId`**, which say who the contact is, and together with `overwrite: false`.
  The model's own `nulls: clear` leaves these fields out.
- **Anything without a relation**: ephemeral and disabled models, sources, analyses, tests, exposures.

Whether the mapped columns exist is seen when the sync starts: names are matched exactly, or else without case.

## In an editor, in CI

`dbt-drift schema` prints a JSON Schema (draft 2020-12) of properties files with declarations. It checks `meta.drift`
and leaves the rest of the file to dbt. In the project's root:

    dbt-drift schema > drift.schema.json

In an editor that runs the YAML language server, the first line of the properties file names that file, by a path from
the properties file or by a URL. For `models/schema.yml`:

```yaml
# yaml-language-server: $schema=../drift.schema.json
```

The editor then completes keys, shows what they mean and marks mistakes. The line takes the place of any other schema
that the editor has for the file, such as a dbt extension's: leave it out where you want that one.

In CI, any validator of that draft will do, such as `check-jsonschema` (from PyPI):

    check-jsonschema --schemafile drift.schema.json models/schema.yml

The part for `meta.drift` alone, without the file around it, is `#/$defs/Declaration`. A schema sees one file before dbt
has rendered it: it knows nothing of other models, nor of what a `{{{{ var(...) }}}}` becomes, so dbt-drift's own check
of the manifest has the last word.
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
