"""The entry points of the sandbox: `Sandbox` for tests, `serve` for the command line."""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from dbt_drift.sandbox.lifecycle import Server
from dbt_drift.sandbox.setup import read_setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from os import PathLike
    from types import TracebackType

    from dbt_drift.sandbox.behaviour import Behaviour
    from dbt_drift.sandbox.calls.attributes import Attribute
    from dbt_drift.sandbox.calls.grants import App
    from dbt_drift.sandbox.calls.store import Contact
    from dbt_drift.sandbox.calls.tokens import Token
    from dbt_drift.sandbox.control import Control, Summary
    from dbt_drift.sandbox.setup import Setup
    from dbt_drift.sandbox.traffic.requestlog import LoggedRequest

T = TypeVar("T")


class Sandbox:
    """The local Drift, served from a background thread during a `with` block.

    ::

        with Sandbox(behaviour=Behaviour(rate_limit=100)) as sandbox:
            requests.post(f"{sandbox.url}/contacts", ...)
            assert sandbox.contact_by_email("ada@example.com") is not None

    Without `organisation`, methods use the default organisation, which undeclared tokens belong to.

    Args:
        behaviour: The initial switches; None for those of `config`, or the defaults.
        data: The data file; None keeps everything in memory.
        port: The loopback port; 0 takes a free one.
        config: A file with the initial switches, tokens, organisations and contacts; None for none.

    Raises:
        ConfigurationError: `config` cannot be used; on entering the block: the port, the data file or the contacts.
    """

    def __init__(
        self,
        *,
        behaviour: Behaviour | None = None,
        data: str | PathLike[str] | None = None,
        port: int = 0,
        config: str | PathLike[str] | None = None,
    ) -> None:
        self._setup = read_setup(config)
        if behaviour is not None:
            self._setup = msgspec.structs.replace(self._setup, behaviour=behaviour)
        self._data = data
        self._port = port

    def __enter__(self) -> Sandbox:  # noqa: PYI034 - Self is not in typing before Python 3.11
        self._server = Server(port=self._port, data=self._data, setup=self._setup)
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name="drift-sandbox", daemon=True)
        self._thread.start()
        self._loop, self._stop = self._started.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._ended.result()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return self._server.url

    @property
    def organisation(self) -> int:
        """The id of the default organisation."""
        return self._server.control.api.store.default

    def contacts(self, *, organisation: int | None = None, search: str = "") -> list[Contact]:
        """Return copies of the contacts, oldest first; see `Control.newest_contacts` for the search."""
        return self._ask(
            lambda control: [
                _copy(contact)
                for contact in reversed(control.newest_contacts(organisation=organisation, search=search))
            ]
        )

    def contact_by_email(self, email: str, *, organisation: int | None = None) -> Contact | None:
        """Return a copy of the one contact with this email, in any case, or None.

        Raises:
            LookupError: Several contacts have this email.
        """
        found = self._ask(
            lambda control: [_copy(contact) for contact in control.api.store.look_up(organisation).find_by_email(email)]
        )
        if len(found) > 1:
            raise LookupError(f"{len(found)} contacts have the email {email!r}")
        return found[0] if found else None

    def requests(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        status: int | None = None,
        organisation: int | None = None,
        since: int = 0,
    ) -> list[LoggedRequest]:
        """Return the matching logged requests of all organisations, oldest first; see `RequestLog.find`."""
        return self._ask(
            lambda control: control.api.log.find(
                method=method, path=path, status=status, organisation=organisation, since=since
            )
        )

    def counts(self) -> dict[tuple[str, str, int], int]:
        """Return the number of requests by method, path template and status."""
        return {
            (found.method, found.template, found.status): found.count
            for found in self._ask(lambda control: control.api.log.counts())
        }

    def summary(self, *, organisation: int | None = None) -> Summary:
        """Return a summary of the sandbox's data and requests."""
        return self._ask(lambda control: control.summary(organisation=organisation))

    def change(self, **switches: object) -> Behaviour:
        """Change some switches of the behaviour and return them all.

        Raises:
            ConfigurationError: A switch does not exist or does not accept the value.
        """
        return self._ask(lambda control: control.change(switches))

    def seed(self, contacts: Iterable[Mapping[str, Any]], *, organisation: int | None = None) -> list[int]:
        """Add contacts without the checks of the API and return their ids; see `Control.seed`."""
        return self._ask(lambda control: control.seed(contacts, organisation=organisation))

    def declare_attributes(self, *attributes: Attribute, organisation: int | None = None) -> None:
        """Add attributes to the organisation."""
        self._ask(lambda control: control.declare_attributes(attributes, organisation=organisation))

    def declare_tokens(self, *tokens: Token) -> None:
        """Replace the declared tokens."""
        self._ask(lambda control: control.api.tokens.declare(tokens))

    def declare_apps(self, *apps: App) -> None:
        """Replace the declared apps and delete all grants."""
        self._ask(lambda control: control.api.grants.declare(apps))

    def revoke_token(self, token: str) -> None:
        """Refuse an access token or a refresh token from now on; see `Control.revoke`."""
        self._ask(lambda control: control.revoke(token))

    def reset(self, only: Literal["", "requests", "contacts", "behaviour"] = "") -> None:
        """Restore the initial state, in whole or in part; see `Control.reset`."""
        self._ask(lambda control: control.reset(only))

    def _serve(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            for waited in (self._started, self._ended):
                if not waited.done():
                    waited.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        await self._server.run(lambda: self._started.set_result((loop, stop)), stop)

    def _ask(self, work: Callable[[Control], T]) -> T:
        # Only the thread of the event loop may access the sandbox's data.
        async def answer() -> T:
            return work(self._server.control)

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result()


def _copy(contact: Contact) -> Contact:
    return msgspec.structs.replace(contact, attributes=dict(contact.attributes), tags=dict(contact.tags))


def serve(
    *,
    port: int,
    data: str | PathLike[str] | None = None,
    setup: Setup,
    announce: Callable[[str], None],
) -> None:
    """Serve the sandbox until SIGINT or SIGTERM, then save its state.

    Args:
        port: The loopback port; 0 takes a free one.
        data: The data file; None keeps everything in memory.
        setup: The initial state.
        announce: Called with the URL when requests are accepted.

    Raises:
        ConfigurationError: The port, the data file or the setup cannot be used.
    """
    server = Server(port=port, data=data, setup=setup)

    async def run() -> None:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await server.run(lambda: announce(server.url), stop)

    asyncio.run(run())
