"""urllib3 connections with two additions: a deadline for the whole answer, and a final check before a write.

urllib3's read timeout applies to each part of an answer, so a server that sends one byte per second, or endless
`100 Continue` responses, could block a worker for any length of time.

The check is as late as possible, because connecting takes a while and a machine may go to sleep meanwhile.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


_READING = "/app/token_info"
"""The path of the one call that is no GET and only reads."""


class UnsentError(Exception):
    """A request was not sent, or only in part, because it may no longer be sent. Drift has not acted on it."""


def guarded(connection: type[Any], may_write: Callable[[], bool] | None) -> type[Any]:
    """Return urllib3's connection class (plain, TLS or through a proxy) with both additions.

    Args:
        connection: The connection class.
        may_write: Called before any request that writes is sent; None allows every request.
    """
    allowed = may_write or (lambda: True)
    return type("Guarded", (_Guarded, connection), {"_may_write": staticmethod(allowed)})


class _Answer(http.client.HTTPResponse):
    """An answer whose bytes must all arrive within the socket's timeout."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        buffered: Any = self.fp
        self.fp = io.BufferedReader(_Timed(buffered.detach(), sock))


class _Timed(io.RawIOBase):
    """A socket's stream, readable up to the deadline.

    Args:
        raw: The socket's own stream.
        sock: The socket.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw: Any = raw
        self._sock = sock
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer has not ended in time")
            self._sock.settimeout(left)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Guarded(http.client.HTTPConnection):
    response_class = _Answer
    _may_write: Callable[[], bool]
    _writes = False

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self._writes = method != "GET" and not url.endswith(_READING)
        super().putrequest(method, url, *args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if self._writes and not self._may_write():
            raise UnsentError
        super().send(data)

    def getresponse(self) -> Any:
        self._writes = False  # opening a tunnel anew on this connection is no write
        return super().getresponse()
