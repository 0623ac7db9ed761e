"""Waits on this machine for the browser that Drift sends back after a sign-in."""

from __future__ import annotations

import contextlib
import hmac
import http.server
import queue
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = b"<!doctype html><title>dbt-drift</title><p>You can close this tab and go back to the terminal.</p>"
_NOT_OURS = b"<!doctype html><title>dbt-drift</title><p>This address belongs to another sign-in.</p>"
PATH = "/callback"


class Listener:
    """A server for one visit: the one that carries the state of this sign-in. Any other page can come here, too.

    Args:
        port: The loopback port.
        state: What Drift sends back with the browser.

    Raises:
        ConfigurationError: The port cannot be used.
    """

    def __init__(self, port: int, state: str) -> None:
        visits: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = 10.0  # for a visitor that says nothing; others have threads of their own meanwhile

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                back = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path != PATH:
                    self._answer(404, b"")
                elif hmac.compare_digest(back.get("state", "").encode(), state.encode()):
                    self._answer(200, _PAGE)
                    visits.put(back)
                else:
                    self._answer(400, _NOT_OURS)

            def _answer(self, status: int, page: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *args: object) -> None:
                """Say nothing: the address holds the code."""

        self._visits = visits
        try:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} of this machine cannot be listened on: {error.strerror or error}.",
                advice="Another one goes with --port; it has to be in the redirect URLs of your app, too. "
                "Or sign in without it: --no-browser.",
            ) from None
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def wait(self, seconds: float) -> dict[str, str] | None:
        """Return the query of the visit, or None when the time is up."""
        try:
            return self._visits.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Free the port."""
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def listening(port: int, state: str) -> Iterator[Listener]:
    """Listen for the block.

    Raises:
        ConfigurationError: The port cannot be used.
    """
    listener = Listener(port, state)
    try:
        yield listener
    finally:
        listener.close()
