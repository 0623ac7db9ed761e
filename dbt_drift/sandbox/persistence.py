"""The data file: a SQLite database that stores the data of the local Drift between runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.calls.attributes import Attribute
from dbt_drift.sandbox.calls.store import Contact, Store

if TYPE_CHECKING:
    from os import PathLike

    from dbt_drift.sandbox.calls.store import Organisation

_LAYOUT = 1

_TABLES = f"""
create table drift (default_organisation integer not null, last_contact_id integer not null);
create table organisations (id integer primary key, document text not null);
create table contacts (id integer primary key, organisation integer not null, document text not null);
pragma user_version = {_LAYOUT};
"""


class _OrganisationDocument(msgspec.Struct):
    attributes: list[Attribute]
    tag_colors: dict[str, str]


class Batch(msgspec.Struct, frozen=True):
    """Encoded changes to write to the file, so that another thread can write them.

    Attributes:
        drift: The default organisation and the last contact id.
        organisations: Their ids and documents.
        contacts: The ids, organisations and documents of the changed contacts.
        deleted: The ids of the deleted contacts.
    """

    drift: tuple[int, int]
    organisations: list[tuple[int, str]]
    contacts: list[tuple[int, int, str]]
    deleted: list[tuple[int]]


def take_unsaved(store: Store) -> Batch | None:
    """Take the changes since the last call, or None if there are none."""
    unsaved = store.unsaved
    if not unsaved.contacts and not unsaved.organisations:
        return None
    contacts: list[tuple[int, int, str]] = []
    deleted: list[tuple[int]] = []
    for contact_id, organisation_id in unsaved.contacts.items():
        contact = store.organisations[organisation_id].contacts.get(contact_id)
        if contact is None:
            deleted.append((contact_id,))
        else:
            contacts.append((contact_id, organisation_id, msgspec.json.encode(contact).decode()))
    organisations = [(found, _document(store.organisations[found])) for found in unsaved.organisations]
    unsaved.contacts.clear()
    unsaved.organisations.clear()
    return Batch((store.default, store.last_contact_id), organisations, contacts, deleted)


def give_back(store: Store, batch: Batch) -> None:
    """Mark changes as unsaved again after a failed write."""
    unsaved = store.unsaved
    unsaved.organisations.update(found for found, _ in batch.organisations)
    for contact_id, organisation_id, _ in batch.contacts:
        unsaved.contacts.setdefault(contact_id, organisation_id)
    for (contact_id,) in batch.deleted:
        unsaved.contacts.setdefault(contact_id, store.default)


class DataFile:
    """The data file, locked for this process while it is open.

    Args:
        path: The file; created if it does not exist.

    Raises:
        ConfigurationError: It cannot be used: another sandbox has it open, or it is not a sandbox's data file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = Path(path)
        try:
            self._path.touch(mode=0o600)  # It contains personal data: only for its owner.
            # A worker thread writes, one batch at a time.
            self._connection = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._open()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._unusable(error) from error
        except BaseException:
            self._connection.close()
            raise

    def load(self) -> Store:
        """Return the stored data; a new file returns a new store."""
        found = self._connection.execute("select default_organisation, last_contact_id from drift").fetchone()
        if found is None:
            return Store()
        store = Store(default=found[0], last_contact_id=found[1])
        for organisation_id, document in self._connection.execute("select id, document from organisations"):
            held = msgspec.json.decode(document, type=_OrganisationDocument)
            organisation = store.organisation(organisation_id)
            organisation.attributes = {attribute.name: attribute for attribute in held.attributes}
            organisation.tag_colors = held.tag_colors
        decoder = msgspec.json.Decoder(Contact)
        for organisation_id, document in self._connection.execute(
            "select organisation, document from contacts order by id"
        ):
            store.organisation(organisation_id).restore(decoder.decode(document))
        return store

    def write(self, batch: Batch) -> None:
        """Write changes, all or none.

        Raises:
            sqlite3.Error: The changes could not be written.
        """
        with self._connection:
            self._connection.execute("delete from drift")
            self._connection.execute("insert into drift values (?, ?)", batch.drift)
            self._connection.executemany("insert or replace into organisations values (?, ?)", batch.organisations)
            self._connection.executemany("insert or replace into contacts values (?, ?, ?)", batch.contacts)
            self._connection.executemany("delete from contacts where id = ?", batch.deleted)

    def close(self) -> None:
        """Close the file and release its lock."""
        self._connection.close()

    def _open(self) -> None:
        connection = self._connection
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("begin exclusive")
        connection.rollback()
        layout = connection.execute("pragma user_version").fetchone()[0]
        if layout == 0 and connection.execute("select count(*) from sqlite_master").fetchone()[0] == 0:
            connection.executescript(f"begin; {_TABLES} commit;")
        elif layout != _LAYOUT:
            raise ConfigurationError(
                f"{self._path} is not the data file of this version of the sandbox.",
                advice="Name another file, or remove this one to start with an empty sandbox.",
            )

    def _unusable(self, error: Exception) -> ConfigurationError:
        told = error.strerror if isinstance(error, OSError) else str(error)
        locked = "locked" in str(error)
        return ConfigurationError(
            f"The sandbox cannot use its data file {self._path}: {told}.",
            advice="Another sandbox has it open: stop that one, or name another file."
            if locked
            else "Name a file that you may write, in a folder that exists.",
        )


def _document(organisation: Organisation) -> str:
    document = _OrganisationDocument(list(organisation.attributes.values()), organisation.tag_colors)
    return msgspec.json.encode(document).decode()
