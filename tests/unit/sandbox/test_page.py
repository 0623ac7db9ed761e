from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from dbt_drift.sandbox.behaviour import json_schema
from dbt_drift.sandbox.page import page

if TYPE_CHECKING:
    from tests.support.sandbox_client import Client


@pytest.fixture
def text() -> str:
    return page().body.decode()


def test_the_page_is_served_to_everybody_on_this_machine(client: Client, text: str) -> None:
    client.headers["Authorization"] = ""
    answer = client.call("GET", "/")
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_the_page_brings_all_it_needs(text: str) -> None:
    assert re.findall(r"""(?:https?:)?//[\w.-]+\.\w+""", text) == []
    assert re.findall(r"""<(?:script|img|iframe|object)\b[^>]*\bsrc""", text) == []
    assert "@import" not in text


def test_its_policy_allows_its_own_script_and_style_and_nothing_else(client: Client, text: str) -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in client.call("GET", "/").headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for tag in ("script", "style"):
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert len(inline) == 1
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"


def test_its_script_writes_values_as_text_only(text: str) -> None:
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc"
    code = r"""\beval\b|new Function|\bon\w+=["']"""
    assert re.findall(f"{markup}|{code}", text) == []


def test_hostile_values_reach_the_page_as_json(client: Client) -> None:
    hostile = "</script><script>alert(1)</script>"
    client.created(email="ada@example.com", name=hostile, tags=[{"name": hostile}])
    answer = client.call("GET", "/_sandbox/contacts")
    assert answer.json()["contacts"][0]["attributes"]["name"] == hostile
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert hostile not in client.call("GET", "/").text


def test_an_empty_page_says_how_to_fill_it(text: str) -> None:
    shown = text.partition("function start()")[2].partition("\n}\n")[0]
    assert "location.origin" in shown
    assert "DRIFT_ACCESS_TOKEN=sandbox\\ndbt-drift sync" in shown


def test_every_switch_with_choices_is_a_list_in_the_page() -> None:
    switches = msgspec.json.decode(json_schema())["$defs"]["Behaviour"]["properties"]
    for name, switch in switches.items():
        assert "anyOf" not in switch, f"the page would show {name} as a text box"
    assert switches["rate_hint"]["enum"] == [
        "none", "ratelimit-reset", "ratelimit-reset-at", "retry-after", "retry-after-date"
    ]  # fmt: skip
