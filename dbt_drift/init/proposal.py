"""Proposes a declaration from the names and kinds of a model's columns, and formats it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import yaml
from msgspec import Struct, structs

from dbt_drift.declarations.attributes import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_USUAL_NAMES = {
    "email": ("email", "emailaddress", "primaryemail", "workemail", "contactemail", "useremail", "mail"),
    "externalId": ("externalid", "contactid", "userid", "customerid", "personid", "memberid", "leadid", "id"),
    "name": ("name", "fullname", "displayname", "contactname", "customername", "username"),
    "phone": ("phone", "phonenumber", "telephone", "mobile", "mobilephone", "mobilenumber", "workphone"),
    "alias": ("alias", "nickname", "preferredname"),
}  # fmt: skip
"""Usual names of the columns for Drift's own attributes, the most certain first, letters only."""

_PEOPLE = re.compile(r"contact|customer|user|people|person|lead|member|subscriber|attendee|prospect")
_MADE_OF_EMAIL = re.compile(r"^(is|has|was|num|count)_|_(hash|domain|sha256|md5|at|on|count|id|type|status|valid)$")


class Column(Struct, frozen=True):
    """A column of a model. `kind` is the result of the macro `kind` for its type, "" if unknown."""

    name: str
    kind: str = ""


class Audience(Struct, frozen=True):
    """A tag for the rows in which a boolean column is true."""

    tag: str
    when: str


class Proposal(Struct, frozen=True):
    """A proposed declaration for a model.

    Attributes:
        fields: Drift's own attributes and the columns that look like them, email first. `externalId` is only suggested
            unless it is matched on: a guess must not decide the identity of a contact, and with it every new contact
            needs a look-up.
        others: Columns that could fill custom attributes; only suggested.
        audiences: Tags; only suggested in a new proposal.
        match_on: The attribute that identifies a row's contact.
        is_chosen: Whether the user chose the audiences, so that they are no longer suggestions.
    """

    fields: dict[str, str]
    others: tuple[str, ...] = ()
    audiences: tuple[Audience, ...] = ()
    match_on: Literal["email", "externalId"] = "email"
    is_chosen: bool = False

    @property
    def declaration(self) -> dict[str, Any]:
        """The declaration, without suggestions."""
        fields = {name: column for name, column in self.fields.items() if not self._is_suggestion(name)}
        declared: dict[str, Any] = {"match_on": self.match_on, "fields": fields}
        if self.is_chosen and self.audiences:
            declared["audiences"] = [{"tag": one.tag, "mode": "mirror", "when": one.when} for one in self.audiences]
        return declared

    def _is_suggestion(self, attribute: str) -> bool:
        return attribute == "externalId" and self.match_on != "externalId"

    def without(self, taken: Collection[str]) -> Proposal:
        """Return the proposal without attributes that other models fill: the models would undo each other's work."""
        return structs.replace(
            self,
            fields={name: column for name, column in self.fields.items() if name == "email" or name not in taken},
            others=tuple(name for name in self.others if name not in taken),
        )

    def lines(self, step: int) -> list[str]:
        """Return the declaration as lines of YAML in block style, with the suggestions as comments.

        Args:
            step: Number of blanks per level of indentation.
        """
        pad = " " * step
        lines = [f"match_on: {self.match_on}", "fields:"]
        lines += [
            f"{pad}{'# ' if self._is_suggestion(attribute) else ''}{attribute}: {scalar(column)}"
            for attribute, column in self.fields.items()
        ]
        lines += [f"{pad}# {scalar(column)}: {scalar(column)}" for column in self.others]
        tags = ["audiences:"] if self.audiences else []
        for one in self.audiences:
            tags += [f"{pad}- tag: {scalar(one.tag)}", f"{pad}  mode: mirror", f"{pad}  when: {scalar(one.when)}"]
        return lines + [line if self.is_chosen else f"# {line}" for line in tags]


def propose(columns: Sequence[Column]) -> Proposal | None:
    """Return a proposal for a model with these columns; None if none of them looks like an email address."""
    usable = [one for one in columns if one.kind != "unsupported" and not re.search(r"\{[{%#]", one.name)]
    fields = {attribute: found for attribute in _USUAL_NAMES if (found := _column_for(attribute, usable))}
    if "email" not in fields:
        return None
    flags = [one.name for one in usable if one.kind == "boolean"]
    reserved = {name.casefold() for name in (*READ_ONLY, *_USUAL_NAMES)}
    others = [one.name for one in usable if one.name not in {*fields.values(), *flags}]
    return Proposal(
        fields=fields,
        others=tuple(name for name in others if name.casefold() not in reserved),
        audiences=tuple(Audience(tag_for(flag), flag) for flag in flags),
    )


def likeness(model: str, proposal: Proposal) -> int:
    """Return how much a model looks like contacts; a higher number means more likely."""
    return len(proposal.fields) + (3 if _PEOPLE.search(model.lower()) else 0)


def tag_for(column: str) -> str:
    """Return a tag name for a boolean column.

    >>> tag_for("is_trial_ending")
    'Trial ending'
    """
    words = re.sub(r"^(is|has|was)_", "", column.lower()).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def scalar(text: str) -> str:
    """Return a text as a YAML scalar on one line, quoted if it would otherwise be read as something else."""
    written: str = yaml.safe_dump(text, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return written.removesuffix("...\n").strip()


def _column_for(attribute: str, columns: Sequence[Column]) -> str | None:
    by_letters = {re.sub(r"[\W_]", "", one.name).casefold(): one for one in reversed(columns)}
    found = next((by_letters[name] for name in _USUAL_NAMES[attribute] if name in by_letters), None)
    if found is None and attribute == "email":
        likely = [one for one in columns if "email" in one.name.lower() and not _MADE_OF_EMAIL.search(one.name.lower())]
        found = next((one for one in likely if one.kind in {"", "text"}), None)
    if found and attribute != "externalId" and found.kind not in {"", "text"}:
        return None
    return found.name if found else None
