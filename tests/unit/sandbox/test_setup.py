from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.behaviour import Behaviour, Fault
from dbt_drift.sandbox.server import Sandbox
from dbt_drift.sandbox.setup import Setup, read_setup
from tests.support.sandbox_client import Client, error_of

CONFIG = """
behaviour:
  nulls: clear
  faults: [{status: 503, count: 1, path: "/contacts/{id}"}]
tokens:
  - {token: acme, organisation: 11, scopes: [contact_read, contact_write]}
  - {token: reader, organisation: 11, scopes: [contact_read]}
  - {token: globex, organisation: 22}
  - {token: brief, expires_in_s: 3600}
  - {token: ended, expires_in_s: 0}
organisations:
  - id: 11
    rate_limit: 3
    attributes: [{name: renewal, type: DATE}]
    contacts:
      - {email: ada@example.com, externalId: 7, since: 2026-01-31, tags: [VIP]}
  - id: 22
    contacts: [{email: ada@example.com}]
  - contacts: [{email: eve@example.com}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "sandbox.yml"
    path.write_text(CONFIG)
    return path


def test_a_file_says_what_it_starts_with(config: Path) -> None:
    with (
        Sandbox(config=config) as sandbox,
        Client(sandbox.url, "acme") as acme,
        Client(sandbox.url, "reader") as reader,
        Client(sandbox.url, "globex") as globex,
    ):
        assert sandbox.change().nulls == "clear"
        (ada,) = sandbox.contacts(organisation=11)
        assert ada.attributes == {"email": "ada@example.com", "externalId": "7", "since": "2026-01-31"}
        assert list(ada.tags) == ["VIP"]
        assert acme.call("GET", f"/contacts/{ada.id}").status_code == 503
        assert acme.patch_contact(ada.id, name="Ada").status_code == 200
        assert error_of(reader.patch_contact(ada.id, name="Eve")) == (403, "authentication_error")
        assert error_of(acme.call("GET", "/contacts/5")) == (429, "rate_limit")
        assert globex.call("GET", f"/contacts/{ada.id}").status_code == 404
        assert len(globex.call("GET", "/contacts", email="ada@example.com").json()["data"]) == 1
        assert [contact.email for contact in sandbox.contacts()] == ["eve@example.com"]
        assert set(sandbox.summary().organisations) == {sandbox.organisation, 11, 22}


def test_tokens_of_a_file_end_in_their_time(config: Path) -> None:
    with (
        Sandbox(config=config) as sandbox,
        Client(sandbox.url, "brief") as brief,
        Client(sandbox.url, "ended") as ended,
    ):
        info = brief.call("POST", "/app/token_info", {"access_token": "brief"}).json()
        assert 0 < info["expires_in"] <= 3_600_000
        assert ended.call("GET", "/contacts/attributes").status_code == 401


def test_a_reset_goes_back_to_the_file(config: Path) -> None:
    with Sandbox(config=config) as sandbox, Client(sandbox.url, "globex") as globex:
        sandbox.change(nulls="ignore", faults=[])
        globex.created(email="eve@example.com")
        sandbox.revoke_token("globex")
        assert globex.call("GET", "/contacts/5").status_code == 401
        sandbox.reset()
        assert globex.call("GET", "/contacts", email="eve@example.com").json() == {"data": []}
        assert len(sandbox.contacts(organisation=22)) == 1
        assert sandbox.change().nulls == "clear"


def test_contacts_of_the_file_are_added_to_a_data_file_once(config: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with Sandbox(config=config, data=tmp_path / "drift.db") as sandbox:
            assert [contact.email for contact in sandbox.contacts(organisation=11)] == ["ada@example.com"]


def test_switches_of_the_command_line_go_before_those_of_the_file(config: Path) -> None:
    given = ["nulls=refuse", "rate_limit=5", "tags_key=false", 'faults=[{"status": 500}]']
    assert read_setup(config, given).behaviour == Behaviour(
        nulls="refuse", rate_limit=5, tags_key=False, faults=(Fault(status=500),)
    )
    assert read_setup(None) == Setup()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("behaviour: {nuls: clear}", "Did you mean 'nulls'?"),
        ("behaviour: [1]", "does not describe a sandbox"),
        ("- 1", "does not describe a sandbox"),
        ("token: x", "unknown field `token`"),
        ("tokens: [{token: x, scope: y}]", "`$.tokens[0]`"),
        ("organisations: [{id: acme}]", "`$.organisations[0].id`"),
        ("organisations: [{contacts: [{externalId: 1}, {externalId: '1'}]}]", "given twice"),
        ("tokens: [", "is no YAML"),
        ("[" * 5000, "nested too deeply"),
        ('{"organisations": [{"contacts": [{"x": ' + "[" * 200 + "]" * 200 + "}]}]}", "nested too deeply"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "sandbox.yml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised, Sandbox(config=path):
        pass
    assert told in str(raised.value)


def test_a_file_may_be_json(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    organisations = [{"contacts": [{"email": "ada@example.com"}]}]
    path.write_text(json.dumps({"behaviour": {"nulls": "clear"}, "organisations": organisations}))
    with Sandbox(config=path) as sandbox:
        assert sandbox.change().nulls == "clear"
        assert [contact.email for contact in sandbox.contacts()] == ["ada@example.com"]


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="without libyaml there is the slow parser only")
def test_a_large_file_is_read_by_the_fast_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sandbox.yml"
    path.write_text(yaml.safe_dump({"organisations": [{"contacts": [{"email": "ada@example.com"}]}]}))
    monkeypatch.setattr("yaml.scanner.Scanner.fetch_more_tokens", None)  # what the slow one could not do without
    assert len(read_setup(path).organisations[0].contacts) == 1


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_setup(tmp_path / "sandbox.yml")


@pytest.mark.parametrize(("switch", "told"), [("nulls", "name=value"), ("nuls=clear", "nulls"), ("nulls=x", "nulls")])
def test_a_wrong_switch_of_the_command_line_is_told(switch: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        read_setup(None, [switch])


def test_a_token_is_revoked_in_mid_run(client: Client) -> None:
    client.created(email="ada@example.com")
    assert client.call("POST", "/_sandbox/tokens/revoke", {"token": "anybody"}).status_code == 200
    assert error_of(client.create(email="eve@example.com")) == (401, "authentication_error")


def test_the_file_in_the_docs_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "sandbox.md").read_text("utf-8")
    path = tmp_path / "sandbox.yml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0])
    with Sandbox(config=path) as sandbox, Client(sandbox.url, "acme-token") as acme:
        assert len(acme.call("GET", "/contacts", email="ada@example.com").json()["data"]) == 1
