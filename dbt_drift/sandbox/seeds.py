"""Contacts that are added to the sandbox without the checks of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbt_drift.sandbox.calls.answers import RefusedError
from dbt_drift.sandbox.calls.tags import read_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Seed = tuple[dict[str, Any], dict[str, str | None]]
"""A contact's attributes, and the color, if any, of each of its tags by name."""


def read_seeds(contacts: Iterable[Mapping[str, Any]]) -> list[Seed]:
    """Read contacts, all or none.

    Args:
        contacts: The attributes of each. `tags` holds names, or objects of `name` and `color`.

    Raises:
        RefusedError: A contact cannot be read, or two have the same externalId. The message says which.
    """
    seeds = []
    external_ids = set()
    for number, given in enumerate(contacts, start=1):
        try:
            attributes, tags = _read(given)
        except RefusedError as refused:
            raise RefusedError(400, f"contact {number}: {refused}") from refused
        external_id = attributes.get("externalId")
        if external_id is not None and external_id in external_ids:
            raise RefusedError(400, f"contact {number}: the externalId {external_id!r} is given twice.")
        external_ids.add(external_id)
        seeds.append((attributes, tags))
    return seeds


def _read(given: Mapping[str, Any]) -> Seed:
    attributes = {name: value for name, value in given.items() if name != "tags" and value is not None}
    if not isinstance(attributes.get("email", ""), str):
        raise RefusedError(400, "email must be a string.")
    if "externalId" in attributes:
        attributes["externalId"] = _external_id(attributes["externalId"])
    tags = given.get("tags")
    if tags is None:
        return attributes, {}
    if not isinstance(tags, (list, tuple)):
        raise RefusedError(400, "tags must be a list of names, or of objects with a name and a color.")
    return attributes, read_tags([{"name": tag} if isinstance(tag, str) else tag for tag in tags])


def _external_id(value: Any) -> str:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise RefusedError(400, "externalId must be a string or a number.")
