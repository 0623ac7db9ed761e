"""Stores for sign-ins between runs: the system's keyring, or a file that only its user can read.

Each key holds one document. The key contains the Drift URL, so that a sandbox never receives Drift's tokens. A process
holds the lock while it renews a token, so a second process finds the renewed token in the store.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import msgspec
from filelock import FileLock
from platformdirs import user_config_path

from dbt_drift.drift.http.messages import UNREADABLE
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SERVICE = "dbt-drift"
_OTHERS = 0o077


class Kept(msgspec.Struct, frozen=True):
    """A stored sign-in.

    Attributes:
        client_id: The OAuth app's id.
        client_secret: The OAuth app's secret.
        access_token: The newest access token.
        refresh_token: The newest refresh token.
        obtained_at: When the tokens were granted, in epoch seconds.
        expires_at: When the access token expires, in epoch seconds; None if unknown or never.
        organisation: The id of the Drift organisation, if known.
    """

    client_id: str
    client_secret: str
    access_token: str
    refresh_token: str
    obtained_at: float
    expires_at: float | None = None
    organisation: int | None = None

    def __repr__(self) -> str:
        return f"Kept(organisation={self.organisation}, expires_at={self.expires_at})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A sign-in is written to its store alone.")


class TokenStore(Protocol):
    """A store for sign-ins."""

    place: str
    """Where the store is, to show to users."""

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Exclude all other processes during the block."""

    def read(self, key: str) -> Kept | None:
        """Return a sign-in, or None."""

    def write(self, key: str, kept: Kept) -> None:
        """Store a sign-in in place of the previous one."""

    def delete(self, key: str) -> bool:
        """Delete a sign-in; returns whether there was one."""


def token_store(environment: Mapping[str, str]) -> TokenStore:
    """Return the keyring if there is one, else the file. If `DRIFT_TOKEN_FILE` is set, always return that file."""
    path = _path(environment)
    if not environment.get("DRIFT_TOKEN_FILE") and (backend := _keyring_backend()) is not None:
        return KeyringStore(backend, path)
    return FileStore(path)


class FileStore:
    """Sign-ins in one file that nobody else can read.

    Args:
        path: The file. Its folder is created on the first write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place = str(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude all other processes during the block.

        Raises:
            ConfigurationError: The folder cannot be written to.
        """
        with _file_lock(self._path):
            yield

    def read(self, key: str) -> Kept | None:
        """Return a sign-in, or None.

        Raises:
            ConfigurationError: The file cannot be read, or others can read it too.
        """
        return self._all().get(key)

    def write(self, key: str, kept: Kept) -> None:
        """Store a sign-in in place of the previous one. The file is replaced atomically.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        self._replace({**self._all(), key: kept})

    def delete(self, key: str) -> bool:
        """Delete a sign-in; returns whether there was one.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        remaining = self._all()
        if remaining.pop(key, None) is None:
            return False
        self._replace(remaining)
        return True

    def _all(self) -> dict[str, Kept]:
        try:
            # Non-blocking, because opening a pipe in place of the file would wait for a writer.
            with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - flags
                self._check(os.fstat(file.fileno()))
                return _decoder.decode(file.read())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unusable(self._path, error) from None
        except UNREADABLE:
            raise ConfigurationError(
                f"{self._path} does not hold a sign-in to Drift.", advice="Delete it, and `dbt-drift auth login`."
            ) from None

    def _check(self, found: os.stat_result) -> None:
        """Raise an error if another user can read the file or may have written it."""
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationError(
                f"{self._path} is not a file, and no sign-in to Drift is read from it.",
                advice="Delete it, and `dbt-drift auth login`; or name another file with DRIFT_TOKEN_FILE.",
            )
        if found.st_uid != os.geteuid():
            raise ConfigurationError(
                f"{self._path}, where the sign-in to Drift is kept, belongs to another user ({found.st_uid}).",
                advice="Name a file of your own with DRIFT_TOKEN_FILE, and `dbt-drift auth login`.",
            )
        if found.st_mode & _OTHERS:
            raise ConfigurationError(
                f"Others can read {self._path}, where the sign-in to Drift is kept.",
                advice=f"chmod 600 {self._path}, and sign in again if somebody may have read it.",
            )

    def _replace(self, content: dict[str, Kept]) -> None:
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - a mode
                file.write(_encoder.encode(content))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)  # the draft may hold part of a secret
            raise _unusable(self._path, error) from None


class KeyringStore:
    """Sign-ins in the system's keyring.

    Args:
        backend: A backend of the package `keyring`.
        path: The lock is next to this path, because a keyring has no lock.
    """

    def __init__(self, backend: Any, path: Path) -> None:
        self._backend = backend
        self._path = path
        self.place = f"the keyring ({backend.name})"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude all other processes during the block.

        Raises:
            ConfigurationError: The folder of the lock cannot be written to.
        """
        with _file_lock(self._path):
            yield

    def read(self, key: str) -> Kept | None:
        """Return a sign-in, or None.

        Raises:
            ConfigurationError: The keyring fails, or holds an unreadable value.
        """
        with self._usable():
            found = self._backend.get_password(_SERVICE, key)
        try:
            return None if found is None else _one.decode(found)
        except UNREADABLE:
            raise ConfigurationError(
                f"What {self.place} holds for {_SERVICE} is no sign-in to Drift.",
                advice="`dbt-drift auth login` writes it anew.",
            ) from None

    def write(self, key: str, kept: Kept) -> None:
        """Store a sign-in in place of the previous one.

        Raises:
            ConfigurationError: The keyring fails.
        """
        with self._usable():
            self._backend.set_password(_SERVICE, key, _encoder.encode(kept).decode())

    def delete(self, key: str) -> bool:
        """Delete a sign-in; returns whether there was one.

        Raises:
            ConfigurationError: The keyring fails.
        """
        with self._usable():
            if self._backend.get_password(_SERVICE, key) is None:
                return False
            self._backend.delete_password(_SERVICE, key)
            return True

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a backend raises what its system does
            # Omit the error's text, which may quote the secret.
            raise ConfigurationError(
                f"The sign-in to Drift cannot be kept in {self.place}: {type(error).__name__}.",
                advice="Unlock it, or name a file with DRIFT_TOKEN_FILE; with DRIFT_ACCESS_TOKEN none is needed.",
            ) from None


class MemoryStore:
    """Sign-ins in memory only, lost when the process ends."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}
        self.place = "the environment, kept nowhere else"

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: there is no other process."""
        return contextlib.nullcontext()

    def read(self, key: str) -> Kept | None:
        """Return a sign-in, or None."""
        return self._kept.get(key)

    def write(self, key: str, kept: Kept) -> None:
        """Store a sign-in in place of the previous one."""
        self._kept[key] = kept

    def delete(self, key: str) -> bool:
        """Delete a sign-in; returns whether there was one."""
        return self._kept.pop(key, None) is not None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, Kept])
_one = msgspec.json.Decoder(Kept)


def _path(environment: Mapping[str, str]) -> Path:
    if given := environment.get("DRIFT_TOKEN_FILE"):
        return Path(given).expanduser()
    return user_config_path("dbt-drift", appauthor=False) / "sign-in.json"


def _keyring_backend() -> Any:
    """Return the keyring's backend, or None if the package is not installed or offers no secure backend."""
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        return None
    backend = keyring.get_keyring()
    return backend if backend.priority >= 1 else None


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    lock = FileLock(path.with_name(f"{path.name}.lock"), mode=0o600)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        yield
    finally:
        lock.release()


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    # The error that O_NOFOLLOW causes at a symbolic link.
    problem = "it, or its lock beside it, is a symbolic link" if error.errno == errno.ELOOP else error.strerror
    return ConfigurationError(
        f"The sign-in to Drift cannot be kept in {path}: {problem or error}.",
        advice="DRIFT_TOKEN_FILE names another file; with DRIFT_ACCESS_TOKEN none is needed.",
    )
