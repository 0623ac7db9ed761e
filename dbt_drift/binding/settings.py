"""The project's settings: `vars: {dbt_drift: {...}}` in dbt_project.yml, or `--vars` for one run."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

import msgspec

from dbt_drift.errors import ConfigurationError


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The quota of the Drift plan; Drift does not publish it; integrators report 1000 in 20 s.

    Attributes:
        requests: The number of requests in one window; 0 for no limit.
        seconds: The length of the window.
    """

    requests: Annotated[int, msgspec.Meta(ge=0)] = 1000
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 20.0


class Failures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many contacts of one sync may fail before it stops.

    Attributes:
        most: The number of contacts that may fail.
        share: The share of the contacts with an answer that may fail, once there are 100 answers; 1 for any share.
    """

    most: Annotated[int, msgspec.Meta(ge=0)] = 1000
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5


class Guards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a sync may take away before it is blocked; a model can set its own limits.

    Attributes:
        most: The number of contacts that may lose one tag, or the values of one attribute.
        share: The share of the contacts with a tag or a value that may lose it; 1 for any share.
        shrink: The share of the rows of the last sync that may be gone; 1 for any share.
        run_most: The number of tags and values that one run may take away.
        run_share: The share of the tags and values concerned that one run may take away; 1 for any share.
    """

    most: Annotated[int, msgspec.Meta(ge=0)] = 1000
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    shrink: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    run_most: Annotated[int, msgspec.Meta(ge=0)] = 5000
    run_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3


class Alerts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people are told of. Where to is in the environment.

    Attributes:
        rejected: The number of rows of one sync that did not get through, from which on it is told.
        hours: The number of hours without a successful run after which it is told; None for never.
        factor: How many times as long, or as many rows, as in the last runs is told.
        slack_ids: The Slack id of a person or a user group, by the owner's name or address.
    """

    rejected: Annotated[int, msgspec.Meta(ge=1)] = 1
    hours: Annotated[float, msgspec.Meta(gt=0)] | None = None
    factor: Annotated[float, msgspec.Meta(gt=1)] = 5.0
    slack_ids: dict[str, Annotated[str, msgspec.Meta(pattern="^[USW][A-Z0-9]+$")]] = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings.

    Attributes:
        schema: The schema of the ledger; None for the target's schema with the suffix `_drift`.
        database: The database of the ledger; None for the target's.
        targets: The dbt targets that may write to Drift itself; None for all. The others plan, or sync to a sandbox.
        rate_limit: The quota that runs share.
        unknown_attributes: Whether a mapped attribute that Drift does not have is a warning or an error.
        failures: How much may fail before a sync stops.
        guards: How much a sync may take away before it is blocked.
        alerts: What people are told of.
    """

    schema: str | None = None
    database: str | None = None
    targets: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None
    rate_limit: RateLimit = RateLimit()
    unknown_attributes: Literal["warn", "error"] = "warn"
    failures: Failures = Failures()
    guards: Guards = Guards()
    alerts: Alerts = Alerts()


def read_settings(given: dict[str, Any]) -> Settings:
    """Check the settings.

    Raises:
        ConfigurationError: A setting is unknown or has the wrong type.
    """
    known = [field.name for field in msgspec.structs.fields(Settings)]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
            raise ConfigurationError(f"vars: dbt_drift.{name} is no setting of dbt-drift; {hint}")
    try:
        return msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"vars: dbt_drift: {error}") from error
