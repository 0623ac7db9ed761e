"""Where a sign-in is kept: what is not read, what is not followed, what is left of a failure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from dbt_drift.drift.auth import sign_in
from dbt_drift.drift.auth.oauth import Grant
from dbt_drift.drift.auth.sign_in import SignIn
from dbt_drift.drift.auth.token_store import FileStore, Kept, KeyringStore, MemoryStore
from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

KEPT = Kept("app", "secret", "access", "refresh", obtained_at=0.0, expires_at=0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sign-in.json"


def test_what_is_written_is_read(path: Path) -> None:
    FileStore(path).write("key", KEPT)
    assert FileStore(path).read("key") == KEPT


def test_a_link_is_not_followed(path: Path) -> None:
    elsewhere = path.with_name("elsewhere.json")
    FileStore(elsewhere).write("key", KEPT)
    path.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="symbolic link"):
        FileStore(path).read("key")


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigurationError, match="is not a file"):
        FileStore(path).read("key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_read(path: Path) -> None:
    FileStore(path).write("key", KEPT)
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigurationError, match="another user"):
        FileStore(path).read("key")


@pytest.mark.parametrize("content", [b"no JSON", b'{"key": {"client_id": "\xff"}}', b"[" * 100_000])
def test_a_file_that_holds_something_else(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="does not hold a sign-in"):
        FileStore(path).read("key")


def test_a_lock_that_is_a_link_makes_no_file(path: Path) -> None:
    planted = path.with_name("planted")
    path.with_name("sign-in.json.lock").symlink_to(planted)
    with pytest.raises(ConfigurationError, match="symbolic link"), FileStore(path).locked():
        pytest.fail("it was taken")
    assert not planted.exists()


def test_a_write_that_fails_leaves_no_draft(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FileStore(path).write("key", KEPT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dbt_drift.drift.auth.token_store.os.fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        FileStore(path).write("other", KEPT)
    assert [found.name for found in path.parent.iterdir()] == ["sign-in.json"]
    assert FileStore(path).read("key") == KEPT


class BrokenKeyring:
    """A backend as one whose system has locked it."""

    name = "broken"

    def __init__(self, held: str | None = None) -> None:
        self._held = held

    def get_password(self, *_: str) -> str | None:
        if self._held is None:
            raise RuntimeError("secret refresh")
        return self._held

    set_password = delete_password = get_password


@pytest.mark.parametrize(
    "use", [lambda store: store.read("key"), lambda store: store.write("key", KEPT), lambda store: store.delete("key")]
)
def test_a_keyring_that_fails_is_named_and_not_quoted(path: Path, use: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"the keyring \(broken\): RuntimeError") as error:
        use(KeyringStore(BrokenKeyring(), path))
    assert "secret" not in str(error.value)


def test_a_keyring_that_holds_something_else(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no sign-in"):
        KeyringStore(BrokenKeyring("no JSON"), path).read("key")


def test_a_renewed_sign_in_that_cannot_be_kept_goes_on_and_is_kept_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its refresh token has replaced the one in the store, which Drift does not take any more."""

    class Full(MemoryStore):
        full = True

        def write(self, key: str, kept: Kept) -> None:
            if self.full:
                raise ConfigurationError("No space left on device.")
            super().write(key, kept)

    given: list[str] = []

    def refresh(_url: str, _app: object, token: str) -> Grant:
        given.append(token)
        return Grant(access_token=f"access-{len(given)}", refresh_token=f"refresh-{len(given)}", expires_in=7200)

    monkeypatch.setattr(sign_in, "refresh", refresh)
    monkeypatch.setattr(sign_in, "_AGAIN_SECONDS", 0.0)
    store = Full()
    signed_in = SignIn("http://127.0.0.1:1", "key", KEPT, store, stored=False)
    first = signed_in.current()
    assert first.reveal() == "access-1"
    assert store.read("key") is None
    assert len([record for record in caplog.records if "not kept yet" in record.message]) == 1
    signed_in.confirm(first)
    assert signed_in.renew(first, 401)
    assert given == ["refresh", "refresh-1"]

    store.full = False
    assert signed_in.current().reveal() == "access-2"
    kept = store.read("key")
    assert kept is not None
    assert kept.refresh_token == "refresh-2"
