"""The requests that Airbyte's declarative manifest for Drift describes, made against the sandbox.

Only the manifest is used, as data: its runtime asks for Python below 3.12 and for an airbyte-cdk that does not install
beside dbt, so that is left out (see [tool.uv] in pyproject.toml).
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests
import yaml

from dbt_drift.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = {"{{ config['email'] }}": "ada@example.com", "{{ config['credentials']['access_token'] }}": "any-token"}
NOT_SERVED = ["accounts", "conversations", "users"]


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    try:
        files = importlib.metadata.files("airbyte-source-drift") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs, on Python below 3.12: pip install --no-deps airbyte-source-drift==0.3.17")
    assert importlib.metadata.version("airbyte-source-drift") == "0.3.17"
    (path,) = (Path(str(file.locate())) for file in files if file.name == "manifest.yaml")
    found = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def ask(manifest: dict[str, Any], sandbox: Sandbox, stream: str) -> requests.Response:
    """Make the request of a stream as the manifest describes it, but for the host."""
    requester = manifest["definitions"]["streams"][stream]["retriever"]["requester"]
    assert requester["$ref"] == "#/definitions/base_requester"
    base = manifest["definitions"]["base_requester"]
    assert (base["url_base"], base["authenticator"]["type"]) == ("https://driftapi.com", "BearerAuthenticator")
    parameters = {name: CONFIG[value] for name, value in requester.get("request_parameters", {}).items()}
    token = CONFIG[base["authenticator"]["api_token"]]
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            requester["http_method"],
            sandbox.url + requester["path"],
            params=parameters,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )


def test_the_contacts_stream_reads_contacts(manifest: dict[str, Any], sandbox: Sandbox) -> None:
    ids = sandbox.seed(
        [{"email": "ada@example.com", "name": "Ada", "phone": "555-1", "tags": ["VIP"]}, {"email": "ADA@example.com"}]
    )
    # Its schema has the tags as names; all other sources have objects. The sandbox can do both.
    sandbox.change(tag_items="names")
    answer = ask(manifest, sandbox, "contacts")
    assert answer.status_code == 200
    extracted: Any = answer.json()
    for key in manifest["definitions"]["streams"]["contacts"]["retriever"]["record_selector"]["extractor"][
        "field_path"
    ]:
        extracted = extracted[key]
    assert [record[manifest["definitions"]["streams"]["contacts"]["primary_key"][0]] for record in extracted] == ids
    for record in extracted:
        jsonschema.validate(record, manifest["schemas"]["contacts"])


def test_the_streams_of_what_is_not_served_are_told_so(manifest: dict[str, Any], sandbox: Sandbox) -> None:
    assert sorted(manifest["definitions"]["streams"]) == sorted([*NOT_SERVED, "contacts", "messages"])
    for stream in NOT_SERVED:
        answer = ask(manifest, sandbox, stream)
        assert answer.status_code == 404
        assert "serves contacts, tags" in answer.json()["error"]["message"]
