"""The page at `/`, which shows the sandbox's data in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from dbt_drift.sandbox.calls.answers import Answer


@cache
def page() -> Answer:
    """Return the page. Its policy lets the browser run and load only what the page itself contains."""
    text = files("dbt_drift.sandbox").joinpath("page.html").read_text("utf-8")
    policy = (
        "default-src 'none'; connect-src 'self'; img-src data:; "
        f"script-src {_hash(text, 'script')}; style-src {_hash(text, 'style')}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (("Content-Security-Policy", policy), ("Referrer-Policy", "no-referrer"))
    return Answer(200, text.encode(), headers, content_type="text/html; charset=utf-8")


def _hash(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    if found is None:
        raise ValueError(f"page.html has no {tag}")
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
