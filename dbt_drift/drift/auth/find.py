"""Find the credential for Drift: a token from the environment, or else a stored sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbt_drift.drift.auth.sign_in import sign_in_from
from dbt_drift.drift.http.credentials import HOW_TO_GET_ONE, AccessToken
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.drift.http.credentials import Credential


def credential(environment: Mapping[str, str]) -> Credential:
    """Return the credential for Drift: `DRIFT_ACCESS_TOKEN`, or else a sign-in.

    Args:
        environment: May hold the token, the parts of a sign-in, and the path of the sign-in file.

    Raises:
        ConfigurationError: There is no credential, or it cannot be used.
    """
    if (found := find_credential(environment)) is None:
        raise ConfigurationError("DRIFT_ACCESS_TOKEN is not set, and nobody is signed in.", advice=HOW_TO_GET_ONE)
    return found


def find_credential(environment: Mapping[str, str]) -> Credential | None:
    """Return the credential for Drift as `credential` does, or None if there is none.

    Raises:
        ConfigurationError: The credential cannot be used.
    """
    value = environment.get("DRIFT_ACCESS_TOKEN", "").strip()
    if value:
        return AccessToken(value)
    return sign_in_from(environment)
