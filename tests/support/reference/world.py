"""What a plan counts, and what a sync does to Drift and to the ledger."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.support.reference.shapes import (
    BLANKS,
    IDENTITIES,
    MAY_PASS,
    MOST_TRIES,
    Audience,
    Change,
    Contact,
    Declaration,
    Done,
    Field,
    Memory,
    Mode,
    Planned,
    Refusal,
    Row,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class DeletedError(Exception):
    """The contact that is remembered is gone from Drift."""


class RefusedError(Exception):
    """The contact does not get through, for this reason."""


class World:
    """Drift, and the ledger's memory of it."""

    def __init__(self) -> None:
        self.contacts: list[Contact] = []
        self.ids: dict[tuple[str, str], Contact] = {}
        self.syncs: dict[str, Sync] = {}

    def sync_of(self, model: str) -> Sync:
        return self.syncs.setdefault(model, Sync(self))

    def with_email(self, email: str) -> list[Contact]:
        return [contact for contact in self.contacts if contact.email == email.lower()]

    def has(self, contact: Contact) -> bool:
        return any(one is contact for one in self.contacts)

    def forget(self, gone: Contact) -> None:
        """What is remembered of a contact that is gone is true of nobody (what-happens-when.md, "deleted in Drift")."""
        for (match_on, key), contact in list(self.ids.items()):
            if contact is gone:
                del self.ids[match_on, key]
                for sync in self.syncs.values():
                    if sync.declaration.match_on == match_on:
                        sync.memory.pop(key, None)


class Sync:
    """The sync of one model."""

    declaration: Declaration

    def __init__(self, world: World) -> None:
        self._world = world
        self.memory: dict[str, Memory] = {}
        self.refused: dict[str, Refusal] = {}
        self._named: dict[str, set[str]] = {}

    # What differs.

    def plan(self, rows: list[Row]) -> Planned:
        """Say what `dbt-drift plan` counts."""
        refused = self.refused
        planned, changes = self._difference(rows)
        self.refused = refused  # a plan changes nothing
        for change in changes:
            if not change.row:
                planned.departed += 1
            elif (self.declaration.match_on, change.key) in self._world.ids:
                planned.changed += 1
            else:
                planned.new += 1
            planned.attributes.update(change.new_values.keys())
            planned.tags_added.update(tag for tag, sign in change.new_signs.items() if sign == "+")
            planned.tags_removed.update(tag for tag, sign in change.new_signs.items() if sign == "-")
        return planned

    def _difference(self, rows: list[Row]) -> tuple[Planned, list[Change]]:
        planned = Planned(rows=len(rows))
        keys = [self._key(row) for row in rows]
        changes = []
        still_refused: dict[str, Refusal] = {}
        for key, row in zip(keys, rows, strict=True):
            if why := self._invalid(key, row, keys):
                planned.invalid[why] += 1
            elif (change := self._change(key, row, rows)) is None:
                planned.unchanged += 1
            elif (refusal := self.refused.get(key)) and refusal.given_up and refusal.wanted == _wants(change):
                planned.given_up[refusal.reason] += 1
                still_refused[key] = refusal
            else:
                changes.append(change)
        changes += [change for key in self.memory if key not in keys and (change := self._departed(key, rows))]
        kept = {change.key for change in changes}
        # A row that was mended, or that left the model, is not refused any more.
        self.refused = {key: one for key, one in self.refused.items() if key in kept} | still_refused
        return planned, changes

    def _key(self, row: Row) -> str:
        if self.declaration.match_on == "email":
            return (row[self.declaration.fields["email"].column] or "").strip(BLANKS).lower()
        return str(row[self.declaration.fields["externalId"].column] or "")

    def _invalid(self, key: str, row: Row, keys: list[str]) -> str | None:
        if not key:
            return "missing_key"
        if keys.count(key) > 1:
            return "duplicate_key"
        name, _, domain = (row[self.declaration.fields["email"].column] or "").strip(BLANKS).partition("@")
        return None if name and "." in domain else "malformed_email"

    def _change(self, key: str, row: Row, rows: list[Row]) -> Change | None:
        memory = self.memory.get(key)
        known = memory or Memory()
        values = {
            name: value
            for name, field in self.declaration.fields.items()
            if (value := _value(name, row[field.column])) is not None or _clears(name, field, known)
        }
        signs = {}
        for tag, audience in self._audiences(rows):
            if sign := _sign(audience.mode, known.signs.get(tag), is_member=_is_member(row, tag, audience)):
                signs[tag] = sign
        is_known = (self.declaration.match_on, key) in self._world.ids
        new_values = {
            name: value
            for name, value in values.items()
            if not (name == self.declaration.match_on and is_known)
            and (name not in known.values or name in known.unsure or not _same(name, known.values[name], value))
        }
        new_signs = {tag: sign for tag, sign in signs.items() if known.signs.get(tag) != sign}
        if memory is not None and not new_signs and not set(new_values) - {self.declaration.match_on}:
            return None
        return Change(key, values, signs, new_values, new_signs)

    def _departed(self, key: str, rows: list[Row]) -> Change | None:
        given = self.memory[key].signs
        mirrors = {tag for tag, audience in self._audiences(rows) if audience.mode == "mirror"}
        signs = {tag: "-" for tag, sign in given.items() if tag in mirrors and sign in "+*"}
        return Change(key, {}, signs, {}, signs, row=False) if signs else None

    def _audiences(self, rows: list[Row]) -> Iterator[tuple[str, Audience]]:
        """Yield each tag and its audience: of a column, the tags that it names or has named."""
        for audience in self.declaration.audiences:
            if audience.tag_from is None:
                yield audience.tag or f"{audience.attribute}=true", audience
                continue
            named = self._named.setdefault(audience.tag_from, set())
            now = {row[audience.tag_from].strip(BLANKS) for row in rows if row[audience.tag_from]}
            for tag in sorted((named | now) - {""}):
                yield tag, audience

    # What is sent.

    def sync(self, rows: list[Row], *, full_refresh: bool = False, retry: bool = False) -> Done:
        """Say what `dbt-drift sync` counts, and do to Drift what it does."""
        if full_refresh:
            for memory in self.memory.values():
                memory.unsure = set(memory.values)
                memory.signs = {tag: "*" for tag, sign in memory.signs.items() if sign in "+*"}
        if full_refresh or retry:
            for refusal in self.refused.values():
                refusal.given_up = False
        planned, changes = self._difference(rows)
        done = Done(reasons=planned.invalid + planned.given_up, missing=planned.given_up["no_contact"])
        del done.reasons["no_contact"]
        for change in changes:
            self._send(change, rows, done)
        for audience in self.declaration.audiences:
            if audience.tag_from:
                self._named.setdefault(audience.tag_from, set()).update(
                    {tag for tag, one in self._audiences(rows) if one is audience}
                )
        return done

    def _send(self, change: Change, rows: list[Row], done: Done) -> None:
        given = _Given(self, dict(self._audiences(rows)), change)
        try:
            given.give()
        except RefusedError as refused:
            reason = str(refused)
            if reason == "no_contact":
                done.missing += change.row
            else:
                done.reasons[reason] += 1
                done.rejected += change.row
            before = self.refused.get(change.key)
            tries = before.tries + 1 if before and before.wanted == _wants(change) else 1
            given_up = reason not in MAY_PASS or tries >= MOST_TRIES
            self.refused[change.key] = Refusal(_wants(change), reason, tries, given_up)
            return
        self.refused.pop(change.key, None)
        setattr(done, given.outcome, getattr(done, given.outcome) + 1)
        done.tags_added += given.tags_added
        done.tags_removed += given.tags_removed
        done.sent += change.row
        done.departed += not change.row
        self._remember(change, given)

    def _remember(self, change: Change, given: _Given) -> None:
        place = (self.declaration.match_on, change.key)
        before = self._world.ids.get(place)
        if given.contact is not None and before is not None and before is not given.contact:
            self._world.forget(before)
        if given.contact is not None:
            self._world.ids[place] = given.contact
        memory = self.memory.setdefault(change.key, Memory())
        memory.values |= change.values
        memory.signs |= change.signs
        memory.unsure -= change.values.keys()


class _Given:
    """One contact is brought to what the model says (docs/reference/matching.md)."""

    def __init__(self, sync: Sync, audiences: dict[str, Audience], change: Change) -> None:
        self._declaration = sync.declaration
        self._world = sync._world
        self._audiences = audiences
        self._change = change
        self._last_email = sync.memory.get(change.key, Memory()).values.get("email")
        self.contact: Contact | None = None
        self.outcome = "matched"
        self.tags_added = 0
        self.tags_removed = 0

    def give(self) -> None:
        remembered = self._world.ids.get((self._declaration.match_on, self._change.key))
        if remembered is None:
            self._meet(self._change.values, self._change.signs)
            return
        try:
            self._write_to(remembered)
        except DeletedError:
            if not self._change.row:
                return  # nothing is left to take away
            if self._declaration.on_deleted == "reject":
                raise RefusedError("deleted_in_drift") from None
            # All that the row wants; nothing is cleared that was never written to this contact.
            self._meet({n: v for n, v in self._change.values.items() if v is not None}, self._change.signs)

    def _write_to(self, contact: Contact) -> None:
        """PATCH with what changed, then the tags; a deletion is noticed when a request is made."""
        self.contact = contact
        values = dict(self._change.new_values)
        tags, members = self._channels(self._change.new_signs)
        values |= members
        if not values and not tags:
            return
        if not self._world.has(contact):
            raise DeletedError
        if any(not self._overwrites(name) for name in values):
            values = self._lacking(contact, values)
        self._write(contact, values)
        self._tag(contact, tags)

    def _meet(self, values: dict[str, Any], signs: dict[str, str]) -> None:
        """A contact whose Drift id is not known: found or made."""
        tags, members = self._channels(signs)
        wanted = values | members
        self.contact = self._find()
        if self.contact is not None:
            self._write(self.contact, self._lacking(self.contact, wanted))
            carried = self.contact.tags
            self._tag(self.contact, {tag: sign for tag, sign in tags.items() if (sign == "+") != (tag in carried)})
        elif not self._change.row:
            return
        elif not self._declaration.create_missing:
            raise RefusedError("no_contact")
        else:
            given = {name: value for name, value in wanted.items() if value is not None}
            self.contact = Contact(dict.fromkeys(["email"]), set())
            self._world.contacts.append(self.contact)
            self._write(self.contact, given)
            self._tag(self.contact, {tag: sign for tag, sign in tags.items() if sign == "+"})
            self.outcome = "created"

    def _find(self) -> Contact | None:
        external_id = self._change.values.get("externalId")
        if self._declaration.match_on == "email":
            found = self._world.with_email(self._change.key)
            own = [one for one in found if external_id and one.attributes.get("externalId") == external_id]
            return next(iter(own or found), None)
        for contact in self._world.contacts:
            if contact.attributes.get("externalId") == self._change.key:
                return contact
        email = self._change.values.get("email") or self._last_email
        found = self._world.with_email(email) if email else []
        free = [one for one in found if one.attributes.get("externalId") is None]
        if found and not free:
            raise RefusedError("email_taken")
        return free[0] if free else None

    def _channels(self, signs: dict[str, str]) -> tuple[dict[str, str], dict[str, bool]]:
        """Tell tags from the attributes that are in the place of tags."""
        members = {
            attribute: sign == "+" for tag, sign in signs.items() if (attribute := self._audiences[tag].attribute)
        }
        return {tag: sign for tag, sign in signs.items() if not self._audiences[tag].attribute}, members

    def _overwrites(self, name: str) -> bool:
        field = self._declaration.fields.get(name)
        return field is None or field.overwrite

    def _lacking(self, contact: Contact, values: dict[str, Any]) -> dict[str, Any]:
        """Return what Drift does not hold, and may be written."""
        held = contact.attributes
        return {
            name: value
            for name, value in values.items()
            if not _same(name, held.get(name), value) and (self._overwrites(name) or held.get(name) in (None, ""))
        }

    def _write(self, contact: Contact, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if value is None:
                contact.attributes.pop(name, None)
            else:
                contact.attributes[name] = value
        members = [audience.attribute for audience in self._audiences.values()]
        self.tags_added += sum(value is True for name, value in values.items() if name in members)
        self.tags_removed += sum(value is False for name, value in values.items() if name in members)
        if values:
            self.outcome = "updated"

    def _tag(self, contact: Contact, tags: dict[str, str]) -> None:
        for tag, sign in tags.items():
            if sign == "+":
                contact.tags.add(tag)
                self.tags_added += 1
            else:
                contact.tags.discard(tag)
                self.tags_removed += 1
        if tags:
            self.outcome = "updated"


def _wants(change: Change) -> object:
    return copy.deepcopy((change.values, change.signs))


def _value(name: str, value: Any) -> Any:
    return value.strip(BLANKS) if name == "email" and isinstance(value, str) else value


def _clears(name: str, field: Field, known: Memory) -> bool:
    """Whether a null asks Drift to take the value away."""
    return field.nulls == "clear" and field.overwrite and name not in IDENTITIES and name in known.values


def _same(name: str, one: Any, other: Any) -> bool:
    if name == "email" and isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return type(one) is type(other) and one == other


def _is_member(row: Row, tag: str, audience: Audience) -> bool:
    if audience.when is not None and not row[audience.when]:
        return False
    return audience.tag_from is None or (row[audience.tag_from] or "").strip(BLANKS) == tag


def _sign(mode: Mode, was: str | None, *, is_member: bool) -> str | None:
    if is_member:
        return "-" if mode == "remove" else "+"
    return "-" if mode == "mirror" and was in {"+", "*"} else None


def shown(contacts: Iterable[Contact]) -> list[tuple[list[tuple[str, Any]], list[str]]]:
    """Return what Drift holds in an order of its own."""
    return sorted(((sorted(one.attributes.items()), sorted(one.tags)) for one in contacts), key=repr)
