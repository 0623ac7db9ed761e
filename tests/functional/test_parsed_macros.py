"""dbt's macros are parsed once for each state of their files, also by processes that know nothing of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dbt.parser.manifest import ManifestLoader

from dbt_drift.project.gateway import DbtProject
from tests.support.ledgers import people

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Bench

pytestmark = pytest.mark.parametrize("parsed", ["duckdb"], indirect=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "dbt-drift"


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The projects whose macros dbt parses."""
    parsed: list[str] = []
    load = ManifestLoader.load_macros

    def load_macros(root_config: Any, *arguments: Any, **options: Any) -> Any:
        parsed.append(root_config.project_name)
        return load(root_config, *arguments, **options)

    monkeypatch.setattr(ManifestLoader, "load_macros", load_macros)
    return parsed


def answer(bench: Bench) -> Any:
    """Ask a macro of the test's project, through an adapter of its own."""
    with DbtProject.load(bench.options()).connect("test") as session:
        return session._adapter.execute_macro("answer", project="bench")


def test_they_are_parsed_again_when_a_file_changes(bench: Bench, cache: Path, parses: list[str]) -> None:
    macro = bench.project / "macros" / "answer.sql"
    macro.write_text("{% macro answer() %}{{ return(41) }}{% endmacro %}")
    assert [answer(bench), answer(bench)] == [41, 41]
    assert parses == ["bench"]
    macro.write_text("{% macro answer() %}{{ return(42) }}{% endmacro %}")
    assert [answer(bench), answer(bench)] == [42, 42]
    assert parses == ["bench", "bench"]
    assert len(list(cache.iterdir())) == 2


def test_a_sync_works_the_same_with_them(bench: Bench, cache: Path, parses: list[str]) -> None:
    people(bench, 3)
    assert bench.sync().rows.sent == 3
    bench.forget_project()
    bench.execute("update $.people set name = 'New'")
    assert bench.sync().rows.sent == 3
    assert (parses, [one.stat().st_mode & 0o777 for one in cache.iterdir()]) == (["bench"], [0o600])


def test_what_cannot_be_read_is_parsed_anew(bench: Bench, cache: Path, parses: list[str]) -> None:
    people(bench, 1)
    bench.sync()
    (file,) = cache.iterdir()
    for content in (b"", b"\x93\x01", b'["not", "macros"]', b"\x91\x81\xa4name\xa1x"):
        file.write_bytes(content)
        bench.forget_project()
        assert bench.sync().status == "success"
    assert len(parses) == 5


def test_a_cache_that_cannot_be_written_is_none(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parses: list[str]
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    people(bench, 1)
    assert bench.sync().status == "success"
    assert parses == ["bench"]


def test_the_states_used_last_are_kept(bench: Bench, cache: Path) -> None:
    macro = bench.project / "macros" / "answer.sql"
    for number in range(10):
        macro.write_text(f"{{% macro answer() %}}{{{{ return({number}) }}}}{{% endmacro %}}")
        assert answer(bench) == number
    assert len(list(cache.iterdir())) == 8
