"""Removes or forgets the tags of audiences that no model declares any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dbt_drift.binding.undeclared_tags import still_decides
from dbt_drift.declarations.audiences import AudienceMapping, attribute_audience
from dbt_drift.delivery.one_sync import OneSync
from dbt_drift.delivery.run_options import RunOptions
from dbt_drift.delivery.run_session import RunSession
from dbt_drift.delivery.stop import Stop
from dbt_drift.errors import ConfigurationError
from dbt_drift.ledger.bound_sync import audience_state, bind_audience
from dbt_drift.ledger.registry import count_tagged, drop_audience
from dbt_drift.ledger.saved_syncs import saved_sync
from dbt_drift.operations.alone import alone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.binding.prepared import Prepared
    from dbt_drift.delivery.reporter import Reporter
    from dbt_drift.delivery.results import SyncResult
    from dbt_drift.ledger.bound_sync import BoundSync
    from dbt_drift.ledger.registry import Audience
    from dbt_drift.ledger.sync_ledger import SyncLedger


def forget_tag(prepared: Prepared, model: str, tag: str) -> int:
    """Forget that a model set a tag; return how many contacts carry it.

    Raises:
        ConfigurationError: The ledger knows no such audience, or the model still declares it.
        LockedError: A run is at work on the ledger.
    """
    audience = _find(prepared, model, tag)
    with alone(prepared, "forget") as (session, lock, registry):
        (tagged,) = count_tagged(session, prepared.location, registry, [audience])
        with lock.transaction(session):
            drop_audience(session, prepared.location, audience)
    return tagged.tagged_contacts


def untag(
    prepared: Prepared,
    model: str,
    tag: str,
    environment: Mapping[str, str],
    reporter: Reporter,
    *,
    stop: Stop | None = None,
) -> SyncResult:
    """Remove a tag from the contacts that a model gave it to. If it breaks off, call it again to finish.

    Raises:
        ConfigurationError: The ledger knows no such audience, a model still declares the tag, or the token or the
            URL cannot be used.
        LockedError: A run is at work on the ledger.
    """
    audience = _find(prepared, model, tag)
    own = _as_declared(audience).identity.casefold()
    for declared in prepared.syncs:
        if any(one.identity.casefold() == own and one.mode != "remove" for one in declared.audiences):
            raise ConfigurationError(
                f"{declared.name} gives the tag {tag!r} now: to remove it would undo its work.",
                advice=f'`dbt-drift forget {model} "{tag}"` leaves it to {declared.name}.',
            )
    sync = _untagging(prepared, audience)
    options = RunOptions()
    run = RunSession(prepared, environment, reporter, options, command="untag")
    results: list[SyncResult] = []
    with run.begun() as client:

        def work(sync: BoundSync, ledger: SyncLedger) -> SyncResult:
            failures = prepared.settings.failures
            return OneSync(
                sync,
                ledger,
                client,
                reporter,
                options=options,
                failures=failures,
                stop=stop or Stop(),
                before_sending=lambda: run.know_organisation(client),
            ).run()

        run.run_each([sync], work, results, everyone_left=True)
        (result,) = results
        if result.status == "success":
            with run.transaction() as session:
                drop_audience(session, prepared.location, audience)
        run.ended(result.status)
    return result


def _find(prepared: Prepared, model: str, tag: str) -> Audience:
    named = [one for one in prepared.registry.audiences if one.tag == tag and model in {one.model, one.slug}]
    if not named:
        known = ", ".join(sorted({f"{one.model} {one.tag!r}" for one in prepared.registry.audiences})) or "none"
        raise ConfigurationError(f"The ledger knows no tag {tag!r} of {model}. It knows: {known}.")
    if len(named) > 1:
        slugs = ", ".join(one.slug for one in named)
        raise ConfigurationError(f"Several syncs were called {model}.", advice=f"Name one of them: {slugs}.")
    (audience,) = named
    if still_decides({sync.slug: sync for sync in prepared.syncs}, audience):
        raise ConfigurationError(
            f"{model} still declares the tag {tag!r}.",
            advice="Take the audience out of its meta.drift and run `dbt parse` first.",
        )
    return audience


def _as_declared(audience: Audience) -> AudienceMapping:
    """Return the audience as its model declared it, without its members; its column tells a tag from an attribute."""
    attribute = attribute_audience(audience.tag.removesuffix("=true"), "mirror", None, "")
    if audience.state == audience_state(attribute):
        return attribute
    return AudienceMapping(audience.tag, "mirror", None, "")


def _untagging(prepared: Prepared, audience: Audience) -> BoundSync:
    """Return the sync that had the audience, reduced to the audience and the attributes that identify a contact."""
    sync = next((sync for sync in prepared.syncs if sync.slug == audience.slug), None)
    if sync is None:
        sync = saved_sync(prepared.registry, audience.slug)
    if sync is None:
        raise ConfigurationError(
            f"Another version of dbt-drift synced {audience.model} last, and this one cannot read what it saved.",
            advice="Untag with that version, or `dbt-drift forget` the tag and remove it in Drift.",
        )
    return structs.replace(
        sync,
        name=f"{audience.model} {audience.tag}",
        attributes=tuple(one for one in sync.attributes if one.attribute in {"email", "externalId"}),
        audiences=(bind_audience(_as_declared(audience), {}),),
    )
