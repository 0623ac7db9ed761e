"""How many requests a second the sandbox answers."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.drift import TOKEN, forget_contacts, sandbox
from benchmarks.table import Figure

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

CONNECTIONS = 32


def measure(given: argparse.Namespace) -> list[Figure]:
    """Ask it from one other process over many connections: contacts created, looked up, changed."""
    paces: dict[str, list[float]] = {"create": [], "look up": [], "change": []}
    emails = [f"p{number}@example.com" for number in range(given.contacts)]
    with sandbox(rate_limit=0) as url:
        for _ in range(given.rounds):
            forget_contacts(url)
            created, pace = _load(url, [_request("POST", "/contacts", {"email": email}) for email in emails])
            paces["create"].append(pace)
            _, pace = _load(url, [_request("GET", f"/contacts?email={email}") for email in emails])
            paces["look up"].append(pace)
            ids = [json.loads(body)["data"]["id"] for body in created]
            _, pace = _load(url, [_request("PATCH", f"/contacts/{id_}", {"plan_tier": "free"}) for id_ in ids])
            paces["change"].append(pace)
    found = {kind: statistics.median(measured) for kind, measured in paces.items()}
    return [
        Figure(f"{kind}, {CONNECTIONS} connections kept open", f"{pace:,.0f}/s", "2,000/s", pace >= 2000)
        for kind, pace in found.items()
    ]


def _request(method: str, target: str, attributes: dict[str, str] | None = None) -> bytes:
    body = json.dumps({"attributes": attributes}).encode() if attributes else b""
    head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _load(url: str, requests: list[bytes]) -> tuple[list[bytes], float]:
    """Send the requests, one at a time on each connection; return the answers' bodies and the requests a second."""
    bodies: list[bytes] = []
    waiting = iter(requests)

    async def send_all() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(_converse(url, waiting, bodies) for _ in range(CONNECTIONS)))
        return time.perf_counter() - started

    took = asyncio.run(send_all())
    assert len(bodies) == len(requests)
    return bodies, len(requests) / took


async def _converse(url: str, waiting: Iterator[bytes], bodies: list[bytes]) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for request in waiting:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.split(b" ", 2)[1] in {b"200", b"201"}, head
        bodies.append(await reader.readexactly(_length(head)))
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
