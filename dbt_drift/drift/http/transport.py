"""HTTP: sends one request and reads its answer, over persistent connections shared by all threads.

It uses the adapter of `requests` without a `Session`. On every call, a session reads the environment and handles
cookies, redirects and ~/.netrc, which takes longer than the request itself and could replace the token by another
user's password. `connection` adds what requests lacks: a deadline for a whole answer, and a final check before anything
is written to Drift.
"""

from __future__ import annotations

import functools
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH, prepend_scheme_if_needed, select_proxy
from urllib3.exceptions import HTTPError

from dbt_drift import __version__
from dbt_drift.drift.http.connection import guarded
from dbt_drift.drift.http.messages import UNREADABLE, Request, Response
from dbt_drift.drift.http.retry_policy import asked_wait
from dbt_drift.drift.http.url import is_loopback
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dbt_drift.drift.http.credentials import AccessToken


MOST_BYTES = 16 * 2**20
"""Longer answers are not read to the end. The largest request, for a hundred contacts, stays far below this size."""


class NoAnswerError(Exception):
    """A request got no usable answer. The message says why, without the URL, which may contain an email.

    Attributes:
        heard: Whether there was any answer, even an unusable one.
    """

    def __init__(self, message: str, *, heard: bool = False) -> None:
        super().__init__(message)
        self.heard = heard


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds to wait for a connection, and after that for the whole answer."""

    connect: float = 10.0
    read: float = 30.0


class Transport:
    """Sends requests to one Drift URL. Thread-safe.

    It reads the environment once: the proxy for the URL, and REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE. A loopback URL never
    uses a proxy, because plain http would show the token to the proxy.

    Args:
        url: Drift's base URL, checked by `url.drift_url`.
        connections: Number of connections to keep open.
        timeouts: How long to wait.
        may_write: Called right before any request except GET is sent; None allows every request.

    Raises:
        ConfigurationError: The CA bundle or the proxy of the environment cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 1,
        timeouts: Timeouts | None = None,
        may_write: Callable[[], bool] | None = None,
    ) -> None:
        self._url = url
        timeouts = timeouts or Timeouts()
        self._timeouts = (timeouts.connect, timeouts.read)
        with requests.Session() as session:
            found = session.merge_environment_settings(url, {}, None, None, None)
        self._proxies: dict[str, str] = {} if is_loopback(url) else dict(found["proxies"])
        proxy = select_proxy(url, self._proxies)
        context = _ssl_context(found["verify"])
        try:
            self._adapter = _Adapter(url, context, connections=connections, proxy=proxy, may_write=may_write)
        except (requests.RequestException, HTTPError):
            # Their texts quote the proxy, which may contain a password.
            raise ConfigurationError(
                "The proxy that the environment names for Drift cannot be used."
                if proxy
                else "DRIFT_API_URL is no URL.",
                advice="See HTTPS_PROXY, ALL_PROXY and NO_PROXY; a SOCKS proxy needs the package PySocks."
                if proxy
                else "",
            ) from None

    def send(self, request: Request, token: AccessToken | None) -> Response:
        """Send a request and read its answer.

        Args:
            request: The request.
            token: The access token, or None for calls that need none.

        Raises:
            NoAnswerError: There was no answer, it broke off, or it succeeded without the expected content.
            UnsentError: `may_write` forbids it.
        """
        response = self._answer_to(request, token)
        if request.reads is None or not response.good:
            return response
        try:
            return msgspec.structs.replace(response, data=request.reads.decode(response.body))
        except UNREADABLE:
            raise NoAnswerError(f"status {response.status} with a body that is not Drift's", heard=True) from None

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._adapter.close()

    def _answer_to(self, request: Request, token: AccessToken | None) -> Response:
        connections = self._adapter.connections_made
        try:
            answer = self._adapter.send(
                self._prepare(request, token), stream=True, timeout=self._timeouts, proxies=self._proxies
            )
            body = _body(answer)
        except (requests.RequestException, OSError) as error:
            raise NoAnswerError(_what_went_wrong(error, self._timeouts)) from None
        return Response(
            status=answer.status_code,
            body=body,
            retry_after=asked_wait(answer.headers),
            reused=connections == self._adapter.connections_made,
        )

    def _prepare(self, request: Request, token: AccessToken | None) -> requests.PreparedRequest:
        # Request.prepare() would encode the URL and the body a second time.
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = self._url + request.target
        prepared.headers = CaseInsensitiveDict(_HEADERS)
        if token is not None:
            prepared.headers["Authorization"] = f"Bearer {token.reveal()}"
        if request.body is not None:
            prepared.body = request.body
            prepared.headers["Content-Type"] = request.content_type
            prepared.headers["Content-Length"] = str(len(request.body))
        return prepared


_HEADERS = {"Accept": "application/json", "User-Agent": f"dbt-drift/{__version__}"}


class _Adapter(HTTPAdapter):
    """An adapter for one host: one pool with one set of CA certificates and guarded connections."""

    def __init__(
        self,
        url: str,
        context: ssl.SSLContext,
        *,
        connections: int,
        proxy: str | None,
        may_write: Callable[[], bool] | None,
    ) -> None:
        super().__init__(pool_connections=1, pool_maxsize=connections)
        manager: Any = self.poolmanager
        if proxy:
            manager = self.proxy_manager_for(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
        self._pool: Any = manager.connection_from_url(url, {"ssl_context": context})
        self._pool.ConnectionCls = guarded(self._pool.ConnectionCls, may_write)

    @property
    def connections_made(self) -> int:
        """Number of connections opened so far."""
        made: int = self._pool.num_connections
        return made

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - requests' signature
        return self._pool

    def close(self) -> None:
        # An adapter leaves closing to the garbage collection of its pools; this pool is referenced here.
        self._pool.close()
        super().close()

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the SSL context holds the certificates."""


def _body(answer: requests.Response) -> bytes:
    """Read the body up to the maximum size of an answer. A compressed body could expand to any length."""
    with answer:  # closes the connection of an answer that was not read to the end
        encoding = answer.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in {"", "identity"}:
            raise NoAnswerError(f"status {answer.status_code} with a body encoded as {encoding!a}, unasked", heard=True)
        parts, length = [], 0
        for part in answer.iter_content(2**16):
            parts.append(part)
            if (length := length + len(part)) > MOST_BYTES:
                raise NoAnswerError(f"status {answer.status_code} with more than {MOST_BYTES:,} bytes", heard=True)
        return b"".join(parts)


@functools.cache  # reading the certificates takes longer than a request
def _ssl_context(bundle: object) -> ssl.SSLContext:
    path = Path(bundle if isinstance(bundle, str) else DEFAULT_CA_BUNDLE_PATH)
    try:
        return ssl.create_default_context(capath=path) if path.is_dir() else ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ConfigurationError(
            f"The CA certificates in {path} cannot be read: {error.strerror or error}.",
            advice="See REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the environment.",
        ) from None


def _what_went_wrong(error: BaseException, timeouts: tuple[float, float]) -> str:
    """Describe an error without the texts of requests and urllib3, which quote the URL."""
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {timeouts[0]:g} s"
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, TimeoutError) or type(cause).__name__ == "ReadTimeoutError":
            return f"no answer within {timeouts[1]:g} s"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "its host name is not known"
    reasons = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    proxy = " by way of the proxy" if isinstance(error, requests.exceptions.ProxyError) else ""
    return (reasons[-1].lower() if reasons else "the connection broke") + proxy


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes. requests and urllib3 keep them in arguments as well as in the chain."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__context__, found.__cause__, getattr(found, "reason", None), *found.args]
