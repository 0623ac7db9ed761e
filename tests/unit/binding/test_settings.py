from __future__ import annotations

from typing import Any

import pytest

from dbt_drift.binding.settings import RateLimit, Settings, read_settings
from dbt_drift.errors import ConfigurationError
from dbt_drift.wording import masked


def test_settings() -> None:
    assert read_settings({}) == Settings(schema=None, database=None, rate_limit=RateLimit(1000, 20.0))
    assert read_settings({"schema": "x", "rate_limit": {"requests": 500}}).rate_limit == RateLimit(500, 20.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shema": "x"}, "did you mean schema"),
        ({"colour": "x"}, "known are schema, database, targets, rate_limit"),
        ({"schema": 5}, r"schema"),
        ({"rate_limit": {"requests": -1}}, r"rate_limit.requests"),
        ({"rate_limit": {"seconds": 0}}, r"rate_limit.seconds"),
        ({"rate_limit": {"per": 0}}, r"rate_limit"),
    ],
)
def test_wrong_settings_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_settings(given)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("ada.lovelace@example.org", "a***@example.org"),
        ("cust_000123", "c***3"),
        ("7", "***"),
        (None, "(none)"),
        ("", "(none)"),
    ],
)
def test_masked_keys(key: str | None, shown: str) -> None:
    assert masked(key) == shown
