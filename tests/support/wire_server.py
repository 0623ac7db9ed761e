"""A server that answers with the bytes it is given, or breaks the connection as it is told."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

RESET = b"reset"
SILENCE = b"silence"


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class WireServer:
    """Answers the requests it gets, over any number of connections, with the given answers in turn.

    Attributes:
        heads: The request lines and headers that came.
        connections: How many connections were made.
    """

    def __init__(self, answers: Iterable[bytes], tls: ssl.SSLContext | None = None) -> None:
        self._answers = iter(answers)
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.heads: list[str] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._serve)

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> WireServer:  # noqa: PYI034 - Self is not in typing before Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread in accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                with contextlib.suppress(OSError), self._secured(connection) as secured:
                    for answer in self._answers_to(secured):
                        secured.sendall(answer)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _answers_to(self, connection: socket.socket) -> Iterator[bytes]:
        while head := _read_request(connection):
            self.heads.append(head)
            answer = next(self._answers)
            if answer == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if answer == SILENCE:
                connection.recv(1)  # until the client gives up
                return
            yield answer
            if b"\r\nConnection: close" in answer:
                return


class DrippingServer:
    """Answers one request with the given parts, one after the other, with a pause after each."""

    def __init__(self, drops: Iterable[bytes], *, every: float) -> None:
        self._drops = drops
        self._every = every
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> DrippingServer:  # noqa: PYI034 - Self is not in typing before Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, contextlib.suppress(OSError):
            _read_request(connection)
            for drop in self._drops:
                connection.sendall(drop)
                if self._over.wait(self._every):
                    return


def _read_request(connection: socket.socket) -> str:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return ""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        part = connection.recv(65536)
        if not part:
            return ""
        body += part
    return head.decode()
