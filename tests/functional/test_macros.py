"""The macros of the dbt package: described where a project calls them, and called as they are."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from typing import Any

import yaml

from tests.support import warm

ROOT = Path(__file__).parents[2]
MACROS = ROOT / "macros"
MACRO = re.compile(r"\{%-?\s*(macro|test)\s+(\w+)\((.*?)\)\s*-?%\}", re.DOTALL)


def signatures() -> dict[str, list[str]]:
    """Return the arguments of each macro of the dbt package."""
    found = {}
    for path in sorted(MACROS.rglob("*.sql")):
        for kind, name, arguments in MACRO.findall(path.read_text(encoding="utf-8")):
            # dbt knows a generic test as the macro test_<name>.
            found[f"test_{name}" if kind == "test" else name] = re.findall(r"(\w+)(?:\s*=[^,]*)?(?:,|$)", arguments)
    return found


def properties() -> dict[str, dict[str, Any]]:
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(MACROS.rglob("*.yml"))]
    listed = [macro for document in documents for macro in document["macros"]]
    found = {macro["name"]: macro for macro in listed}
    assert len(found) == len(listed), "a macro is described twice"
    return found


def public_macros() -> set[str]:
    """Return what a project calls: the generic tests, and the hooks that the pages name."""
    page = (ROOT / "docs" / "how-to" / "dbt-package.md").read_text("utf-8")
    hooks = set(re.findall(r"dbt_drift\.(\w+)\(\)", page))
    return hooks | {name for name in signatures() if name.startswith("test_")}


def test_every_public_macro_is_described_and_no_other() -> None:
    described = properties()
    assert described.keys() == public_macros()
    for name in described:
        assert described[name]["description"].strip(), name
        listed = described[name].get("arguments", [])
        assert [argument["name"] for argument in listed] == signatures()[name], name
        assert all(argument["type"] and argument["description"].strip() for argument in listed), name


def test_every_macro_that_python_calls_is_there_with_these_arguments() -> None:
    called = 0
    for path in sorted((ROOT / "dbt_drift").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "call":
                (name,) = call.args
                macro = ast.literal_eval(name)
                where = f"{path.name}:{call.lineno}: {macro}"
                assert macro in signatures(), where
                given = [keyword.arg for keyword in call.keywords]
                assert set(given) <= set(signatures()[macro]), where
                called += 1
    assert called > 30


def test_signatures_are_read_with_defaults() -> None:
    assert signatures()["differs"] == ["wanted", "accepted", "ignoring_case", "clearing"]


def test_dbt_takes_the_properties_without_a_warning(tmp_path: Path) -> None:
    output = {"type": "duckdb", "path": str(tmp_path / "listing.duckdb")}
    files = {
        "dbt_project.yml": {
            "name": "listing",
            "config-version": 2,
            "profile": "listing",
            "flags": {"send_anonymous_usage_stats": False, "validate_macro_args": True},
        },
        "profiles.yml": {"listing": {"target": "dev", "outputs": {"dev": output}}},
        "packages.yml": {"packages": [{"local": str(ROOT)}]},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(yaml.safe_dump(content))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.sql").write_text("select 1 as id")

    said = [dbt(tmp_path, "deps"), dbt(tmp_path, "--warn-error", "parse", "--show-all-deprecations")]

    assert "WARNING" not in "".join(said).upper()


def dbt(project: Path, *arguments: str) -> str:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project)}
    done = warm.run("dbt", "--no-use-colors", *arguments, cwd=project, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
