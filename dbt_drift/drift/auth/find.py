"""What opens Drift: a token of the environment, else a sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.drift.auth.sign_in import sign_in_from
from dbt_drift.drift.http.credentials import HOW_TO_GET_ONE, AccessToken
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.http.credentials import Credential


def credential(environment: Mapping[str, str]) -> Credential:
    """Return what opens Drift: `DRIFT_ACCESS_TOKEN`, else a sign-in.

    Args:
        environment: May hold the token, the parts of a sign-in, and where one is kept.

    Raises:
        ConfigurationError: There is none, or it cannot be used.
    """
    if (found := find_credential(environment)) is None:
        raise ConfigurationError("DRIFT_ACCESS_TOKEN is not set, and nobody is signed in.", advice=HOW_TO_GET_ONE)
    return found


def find_credential(environment: Mapping[str, str]) -> Credential | None:
    """Return the same, or None where there is none.

    Raises:
        ConfigurationError: It cannot be used.
    """
    value = environment.get("DRIFT_ACCESS_TOKEN", "").strip()
    if value:
        return AccessToken(value)
    return sign_in_from(environment)
