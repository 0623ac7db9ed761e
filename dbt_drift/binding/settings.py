"""The project's settings: `vars: {dbt_drift: {...}}` in dbt_project.yml, or `--vars` for one run."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

import msgspec

from dbt_drift.errors import ConfigurationError


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The quota of the Drift plan; what plans allow is not published, 1000 in 20 s is what integrators report.

    Attributes:
        requests: Requests that one window takes; 0 for no limit of our own.
        seconds: The window's length.
    """

    requests: Annotated[int, msgspec.Meta(ge=0)] = 1000
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 20.0


class Failures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many contacts of one sync may fail before it stops.

    Attributes:
        most: So many may.
        share: So large a part of those that have their answer may, once there are 100 of them; 1 for any.
    """

    most: Annotated[int, msgspec.Meta(ge=0)] = 1000
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5


class Guards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a sync may take away before it is blocked; a model may have limits of its own.

    Attributes:
        most: So many contacts may lose one tag, or the values of one attribute.
        share: So large a part of the contacts that have it may lose it; 1 for any.
        shrink: So large a part of the rows of the last sync may be gone; 1 for any.
        run_most: So many tags and values may go in one run.
        run_share: So large a part of those that its audiences and attributes have may go; 1 for any.
    """

    most: Annotated[int, msgspec.Meta(ge=0)] = 1000
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    shrink: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    run_most: Annotated[int, msgspec.Meta(ge=0)] = 5000
    run_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings.

    Attributes:
        schema: Where the ledger lies; None for the target's schema with `_drift` behind it.
        database: Its database; None for the target's.
        rate_limit: The quota that runs share.
        unknown_attributes: Whether a mapped attribute that Drift does not have yet is said, or stops the run.
        failures: What may fail before a sync stops.
        guards: What a sync may take away before it is blocked.
    """

    schema: str | None = None
    database: str | None = None
    rate_limit: RateLimit = RateLimit()
    unknown_attributes: Literal["warn", "error"] = "warn"
    failures: Failures = Failures()
    guards: Guards = Guards()


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
