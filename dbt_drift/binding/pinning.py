"""Keeps a run away from a Drift organisation that is not meant.

A ledger describes one organisation. The first run pins it; a later run whose token opens another one ends before it
writes anything. `vars: {dbt_drift: {targets: [...]}}` names the dbt targets that may write to Drift itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.drift.http.local_sandbox import sandbox_at
from dbt_drift.errors import ConfigurationError, DriftRefusedError
from dbt_drift.escaping import escaped
from dbt_drift.ledger.organisation import ledgers_of_organisation, pin_organisation
from dbt_drift.ledger.registry import Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.drift.engine.client import DriftClient
    from dbt_drift.ledger.lock import RunLock
    from dbt_drift.project.session import Session

_SETTING = "`vars: {dbt_drift: {targets: [...]}}`"


def refuse_target(prepared: Prepared, url: str) -> None:
    """Refuse to write to Drift itself from a dbt target that the settings do not name.

    Raises:
        ConfigurationError: The target may only plan, or sync to a sandbox.
    """
    allowed, target = prepared.settings.targets, prepared.project.target_name
    if allowed is None or target in allowed or sandbox_at(url):
        return
    raise ConfigurationError(
        f"The target {target} may not write to Drift ({url}): `vars: {{dbt_drift: {{targets}}}}` names "
        f"{', '.join(allowed)}.",
        advice="Look with `dbt-drift plan`, set DRIFT_API_URL to a sandbox, or name a target with --target.",
    )


def organisation_of(client: DriftClient) -> tuple[str, str]:
    """Return the id of the organisation that the token opens, and why it is unknown; one of both is "".

    Raises:
        DriftUnavailableError: Drift refuses the token, or cannot be reached.
    """
    try:
        found = client.token_info().organisation_id
    except DriftRefusedError as refused:
        return "", str(refused).partition("\n")[0]
    return found, "" if found else "Its answer about the token names none."


def refuse_organisation(prepared: Prepared, found: str) -> None:
    """Refuse an organisation that is not the one that the ledger describes.

    Args:
        prepared: The project and its syncs.
        found: The id of the organisation that the token opens; "" if unknown.

    Raises:
        ConfigurationError: The ledger describes another one.
    """
    pin = prepared.registry.pin
    if pin is None or not pin.organisation or not found or pin.organisation == found:
        return
    described, opened = escaped(pin.organisation), escaped(found)
    raise ConfigurationError(
        f"The token opens the Drift organisation {opened}, and the ledger in the schema {prepared.location.schema} "
        f"describes the organisation {described} (pinned by a run on the target {pin.target}). Nothing was sent.",
        advice=f"Use a token of the organisation {described}, or give {opened} a ledger of its own: another dbt "
        "target, or --vars '{dbt_drift: {schema: <another schema>}}'. If Drift has given the same organisation a new "
        f"id, run `dbt-drift sync --repin {opened}` once.",
    )


def pin(prepared: Prepared, lock: RunLock, client: DriftClient, url: str, repin: str | None) -> tuple[str, list[str]]:
    """Compare the organisation that the token opens with that of the ledger, and pin it if none is.

    Args:
        prepared: The project and its syncs.
        lock: The run's lock.
        client: The Drift to ask; one request.
        url: Its URL.
        repin: The organisation that the ledger describes from now on; None for the one that it describes.

    Returns:
        The organisation's id, "" if Drift does not tell, and notices for the user.

    Raises:
        ConfigurationError: The token opens another organisation, or another target already writes to this one.
        DriftUnavailableError: Drift refuses the token, or cannot be reached.
        LockedError: Another run has taken the lock.
        WarehouseError: The warehouse refused a statement.
    """
    project, pinned = prepared.project, prepared.registry.pin
    project.let_go()
    found, unknown = organisation_of(client)
    if repin is None:
        refuse_organisation(prepared, found)
    elif repin.removeprefix("orgId:") != found:
        raise ConfigurationError(
            f"--repin names the Drift organisation {repin}, and the token opens {escaped(found) or 'an unknown one'}. "
            f"Nothing was sent. {unknown}".rstrip(),
            advice="Use a token of that organisation: `dbt-drift auth check` says which one a token opens.",
        )
    if pinned is not None and found in {"", pinned.organisation}:
        return found, list(_doubts(prepared, pinned, found, unknown))
    with project.connect("pin") as session:
        if found and prepared.settings.targets is None and not sandbox_at(url):
            _refuse_second_ledger(session, prepared, url, found)
        with lock.transaction(session):
            pin_organisation(session, prepared.location, Pin(found, project.target_name))
    if not found:
        notice = "Drift does not say which organisation the token opens, so later runs cannot notice a token of another"
        return "", [f"{notice} one. {unknown}"]
    if pinned is not None and pinned.organisation:
        notice = (
            f"The ledger describes the Drift organisation {escaped(found)} from now on. What it calls accepted was "
            f"accepted by {escaped(pinned.organisation)}: `dbt-drift sync --full-refresh` sends everything again."
        )
        return found, [notice]
    return found, []


def _doubts(prepared: Prepared, pinned: Pin, found: str, unknown: str) -> Iterator[str]:
    """Yield what the user should know of a run whose ledger is pinned."""
    target = prepared.project.target_name
    if pinned.organisation and not found:
        yield (
            "Drift does not say which organisation the token opens, so nobody knows whether it is "
            f"{escaped(pinned.organisation)}, which the ledger describes. {unknown}"
        )
    if prepared.settings.targets is None and pinned.target != target:
        yield (
            f"The ledger was pinned by a run on the target {pinned.target}, and this run on the target {target} writes "
            f"to the same Drift organisation. {_SETTING} says which targets may."
        )


def _refuse_second_ledger(session: Session, prepared: Prepared, url: str, found: str) -> None:
    """Refuse an organisation that another ledger of the database describes: it would get everything again."""
    location, target = prepared.location, prepared.project.target_name
    for schema, other in ledgers_of_organisation(session, location, url, found):
        raise ConfigurationError(
            f"The ledger in the schema {schema} (target {other}) already describes the Drift organisation "
            f"{escaped(found)}. A first sync from the target {target}, with its ledger in the schema "
            f"{location.schema}, would send everything to it again. Nothing was sent.",
            advice=f"To write to it from {target} too, name the targets that may: {_SETTING}. Otherwise look with "
            "`dbt-drift plan`, or set DRIFT_API_URL to a sandbox.",
        )
