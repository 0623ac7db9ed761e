from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.calls.attributes import Attribute
from dbt_drift.sandbox.calls.store import Store
from dbt_drift.sandbox.calls.tokens import Token
from dbt_drift.sandbox.persistence import DataFile, give_back, take_unsaved
from dbt_drift.sandbox.server import Sandbox
from tests.support.sandbox_client import Client

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "drift.db"


def test_a_restart_brings_everything_back(data: Path) -> None:
    with Sandbox(data=data) as sandbox, Client(sandbox.url) as client, Client(sandbox.url, "other") as other:
        sandbox.declare_tokens(Token("other", 77))
        sandbox.declare_attributes(Attribute("renewal", "DATE", "Renewal"))
        organisation = sandbox.organisation
        client.created(email="ada@example.com", externalId="1", plan="pro", big=2**70, nested={"a": [1.5, None]})
        tagged = client.created(email="eve@example.com", tags=[{"name": "VIP", "color": "123456"}, {"name": "b"}])
        gone = client.created(email="gone@example.com")
        client.call("DELETE", f"/contacts/{gone}")
        client.patch_contact(tagged, name="Eve")
        other.created(email="ada@example.com")
        contacts, elsewhere = sandbox.contacts(), sandbox.contacts(organisation=77)
        attributes, summary = client.call("GET", "/contacts/attributes").json(), sandbox.summary()

    with Sandbox(data=data) as sandbox, Client(sandbox.url) as client:
        assert sandbox.organisation == organisation
        assert sandbox.contacts() == contacts
        assert sandbox.contacts(organisation=77) == elsewhere
        assert client.call("GET", "/contacts/attributes").json() == attributes
        assert sandbox.summary().tags == summary.tags == {"VIP": 1, "b": 1}
        # The indexes are back too, and ids are not given out again.
        assert client.create(email="ADA@example.com").status_code == 409
        assert client.call("GET", "/contacts", idType="external", id="1").json()["data"][0]["id"] == contacts[0].id
        assert client.created(email="new@example.com", tags=[{"name": "VIP"}]) > elsewhere[0].id
        assert sandbox.contacts()[-1].tags == {"VIP": "123456"}


def test_a_sandbox_without_contacts_stays_the_same_organisation(data: Path) -> None:
    with Sandbox(data=data) as sandbox:
        organisation = sandbox.organisation
    with Sandbox(data=data) as sandbox:
        assert sandbox.organisation == organisation
    with Sandbox() as fresh:
        assert fresh.organisation != organisation


def test_a_reset_is_kept(data: Path) -> None:
    with Sandbox(data=data) as sandbox:
        sandbox.seed([{"email": "ada@example.com", "plan": "pro", "tags": ["VIP"]}])
    with Sandbox(data=data) as sandbox:
        sandbox.reset()
        sandbox.seed([{"email": "eve@example.com"}])
    with Sandbox(data=data) as sandbox, Client(sandbox.url) as client:
        assert [contact.email for contact in sandbox.contacts()] == ["eve@example.com"]
        assert "plan" not in client.call("GET", "/contacts/attributes").text


def test_a_data_file_is_for_its_owner_and_holds_no_token(data: Path) -> None:
    with Sandbox(data=data) as sandbox, Client(sandbox.url, "very-secret") as client:
        sandbox.declare_tokens(Token("very-secret"))
        client.created(email="ada@example.com")
    assert stat.S_IMODE(data.stat().st_mode) == 0o600
    assert b"ada@example.com" in data.read_bytes()
    assert b"very-secret" not in data.read_bytes()


def test_a_data_file_has_one_sandbox_at_a_time(data: Path) -> None:
    with Sandbox(data=data), pytest.raises(ConfigurationError, match="Another sandbox has it open"), Sandbox(data=data):
        pass


def test_a_file_that_is_no_data_file_is_left_alone(data: Path) -> None:
    data.write_text("somebody's notes, long enough not to be taken for an empty database")
    with pytest.raises(ConfigurationError, match="not a database"), Sandbox(data=data):
        pass
    assert data.read_text().startswith("somebody's notes")


def test_another_database_is_left_alone(data: Path) -> None:
    other = sqlite3.connect(data)
    other.execute("create table contacts (id integer)")
    other.close()
    with pytest.raises(ConfigurationError, match="not the data file of this version"), Sandbox(data=data):
        pass


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="in a folder that exists"), Sandbox(data=tmp_path / "no" / "drift.db"):
        pass


def test_what_could_not_be_written_is_written_next_time(data: Path) -> None:
    store = Store()
    organisation = store.organisation()
    kept = organisation.create({"email": "ada@example.com"}, {"VIP": None})
    gone = organisation.create({"email": "eve@example.com"}, {})
    file = DataFile(data)
    first = take_unsaved(store)
    assert first is not None
    file.write(first)
    assert take_unsaved(store) is None
    organisation.update(kept, {"name": "Ada"})
    organisation.delete(gone)
    failed = take_unsaved(store)
    assert failed is not None
    give_back(store, failed)
    again = take_unsaved(store)
    assert again is not None
    file.write(again)
    assert list(file.load().organisation().contacts.values()) == [kept]
    file.close()
