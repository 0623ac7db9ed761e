"""The sockets of the sandbox: converts HTTP requests to `Request`, and deliveries to HTTP responses."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.admission import refusal_of
from dbt_drift.sandbox.calls.answers import Answer, error
from dbt_drift.sandbox.calls.call import Request
from dbt_drift.sandbox.control import PREFIX, answer_control
from dbt_drift.sandbox.page import page

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage
    from aiohttp.streams import StreamReader
    from aiohttp.web_protocol import RequestHandler

    from dbt_drift.sandbox.api import Delivery
    from dbt_drift.sandbox.control import Control

HOST = "127.0.0.1"
_LARGEST_BODY = 32 * 1024 * 1024
_TOO_LARGE = error(413, f"The sandbox takes bodies of at most {_LARGEST_BODY // (1024 * 1024)} MiB.")
_SHUTDOWN_S = 1.0
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def listen(port: int) -> socket.socket:
    """Open the loopback port; 0 takes a free one.

    Raises:
        ConfigurationError: The port is in use, or the user may not open it.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((HOST, port))
        opened.listen(1024)
    except (OSError, OverflowError) as mistake:
        opened.close()
        used = isinstance(mistake, OSError) and mistake.errno == errno.EADDRINUSE
        told = "it is in use" if used else str(mistake)
        raise ConfigurationError(
            f"The sandbox cannot listen on port {port} of {HOST}: {told}.",
            advice="Stop what runs there, or give another port (0 takes any free one).",
        ) from mistake
    return opened


class HttpServer:
    """Serves the API, its control API and the page on an open socket.

    Args:
        control: Controls the API to serve.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._runner: web.ServerRunner | None = None

    async def start(self, opened: socket.socket) -> None:
        """Accept requests."""
        server = web.Server(self._respond, request_factory=_make_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        await web.SockSite(self._runner, opened).start()

    async def stop(self) -> None:
        """Finish the requests under way within a short time, and close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _respond(self, received: web.BaseRequest) -> web.StreamResponse:
        # Invalid UTF-8 could be stored, but neither shown nor saved.
        path, _, query = _readable(received.raw_path).partition("?")
        refused = refusal_of(received.method, path, received.headers)
        if refused is not None:
            return _response(refused)
        try:
            body = await _read(received)
        except web.HTTPRequestEntityTooLarge:
            return _response(_TOO_LARGE)
        except ConnectionError:
            return web.Response()  # The client has disconnected; nobody receives this.
        headers = {"authorization": _readable(received.headers.get("Authorization", ""))}
        request = Request(received.method, path, query, headers, body)
        if path == "/" or path.startswith(PREFIX):
            return _response(page() if path == "/" else answer_control(self._control, request))
        delivery = self._control.api.handle(request)
        if delivery.delay_ms:
            await asyncio.sleep(delivery.delay_ms / 1000)
        if delivery.how == "whole":
            return _response(delivery.answer)
        return await _break_off(received, delivery)


def _make_request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_LARGEST_BODY)


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": answer.content_type, **_HEADERS}
    headers.update(answer.headers)
    return web.Response(body=answer.body, status=answer.status, headers=headers)


async def _read(received: web.BaseRequest) -> bytes:
    length = received.content_length or 0
    if length > _LARGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(_LARGEST_BODY, length)
    return await received.read() if received.can_read_body else b""


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


async def _break_off(received: web.BaseRequest, delivery: Delivery) -> web.StreamResponse:
    answer = delivery.answer
    response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
    transport = received.transport
    if transport is None:
        return response
    if delivery.how == "reset":
        # Otherwise the connection would close normally, which clients interpret differently.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return response
    response.content_length = len(answer.body)
    await response.prepare(received)
    await response.write(answer.body[: len(answer.body) // 2])
    transport.close()
    return response
