"""The token stays secret, and goes nowhere unencrypted."""

from __future__ import annotations

import copy
import pickle

import pytest

from dbt_drift.drift.auth.find import credential
from dbt_drift.drift.http.credentials import AccessToken
from dbt_drift.drift.http.url import DRIFT_URL, drift_url
from dbt_drift.errors import ConfigurationError

SECRET = "s3cret-token"


def test_a_token_does_not_show() -> None:
    token = AccessToken(SECRET)
    assert SECRET not in f"{token} {token!r} {[token]}"
    with pytest.raises(TypeError):
        pickle.dumps(token)
    with pytest.raises(TypeError):
        copy.copy(token)
    assert token.mask(f"bad token {SECRET}!") == "bad token ***!"


def test_no_token_says_how_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match=r"Install to Drift.*contact_read and\s+contact_write"):
        credential({})


@pytest.mark.parametrize("value", ["Bearer s3cret-token", "s3cret\ntoken", "s3crét", 's3c ret"'])
def test_what_cannot_be_a_token_is_not_repeated(value: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        credential({"DRIFT_ACCESS_TOKEN": value})
    assert "s3c" not in str(error.value)


def test_space_around_a_token_is_no_part_of_it() -> None:
    assert credential({"DRIFT_ACCESS_TOKEN": f" {SECRET}\n"}).current().reveal() == SECRET


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", DRIFT_URL),
        ("https://driftapi.com/", "https://driftapi.com"),
        ("https://gateway.example.com/drift/", "https://gateway.example.com/drift"),
        ("http://127.0.0.1:8484", "http://127.0.0.1:8484"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8484", "http://[::1]:8484"),
    ],
)
def test_urls_that_are_used(given: str, used: str) -> None:
    assert drift_url({"DRIFT_API_URL": given}) == used


@pytest.mark.parametrize(
    "url",
    [
        "http://driftapi.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://2130706433",
        "ftp://127.0.0.1",
        "driftapi.com",
        "https://",
        "https://host:99999",
        "http://[::1",
        "https://host?x=1",
        "https://host#x",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DRIFT_API_URL"):
        drift_url({"DRIFT_API_URL": url})


def test_a_password_in_the_url_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as error:
        drift_url({"DRIFT_API_URL": "https://user:hunter2@host"})
    assert "hunter2" not in str(error.value)
