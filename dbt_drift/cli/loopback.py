"""Waits on this machine for the browser that Drift sends back after a sign-in."""

from __future__ import annotations

import contextlib
import http.server
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = b"<!doctype html><title>dbt-drift</title><p>You can close this tab and go back to the terminal.</p>"
PATH = "/callback"


class Listener:
    """A server for one visit.

    Args:
        port: The loopback port.

    Raises:
        ConfigurationError: The port cannot be used.
    """

    def __init__(self, port: int) -> None:
        visits: list[dict[str, str]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                found = parts.path == PATH
                if found:
                    visits.append({name: values[0] for name, values in parse_qs(parts.query).items()})
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(_PAGE if found else b"")

            def log_message(self, *args: object) -> None:
                """Say nothing: the address holds the code."""

        self._visits = visits
        try:
            self._server = http.server.HTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} of this machine cannot be listened on: {error.strerror or error}.",
                advice="Another one goes with --port; it has to be in the redirect URLs of your app, too. "
                "Or sign in without it: --no-browser.",
            ) from None

    def wait(self, seconds: float) -> dict[str, str] | None:
        """Return the query of the first visit to `PATH`, or None when the time is up."""
        deadline = time.monotonic() + seconds
        while not self._visits and (left := deadline - time.monotonic()) > 0:
            self._server.timeout = left
            self._server.handle_request()
        return self._visits[0] if self._visits else None

    def close(self) -> None:
        """Free the port."""
        self._server.server_close()


@contextlib.contextmanager
def listening(port: int) -> Iterator[Listener]:
    """Listen for the block.

    Raises:
        ConfigurationError: The port cannot be used.
    """
    listener = Listener(port)
    try:
        yield listener
    finally:
        listener.close()
