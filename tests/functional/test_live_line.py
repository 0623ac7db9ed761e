"""The live line on a terminal, which is a real one; and that nobody else ever sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import threading
from typing import TYPE_CHECKING

import pytest

from dbt_drift.sandbox.behaviour import Fault
from tests.support import warm
from tests.support.command_line import project_of, run_process
from tests.support.harness import Bench
from tests.support.ledgers import people

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_drift.sandbox.server import Sandbox
    from tests.support.harness import ParsedProject

ERASE = "\r\x1b[K"


class Terminal:
    """A program on a terminal of its own, and all that it writes there."""

    def __init__(self, columns: int, command: list[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self.columns = columns
        self.resize(columns)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "DRIFT_"))}
        clean |= {"TERM": "xterm", "COLUMNS": "200"} | environment
        self.process = warm.Process(*command, env=clean, terminal=os.ttyname(theirs))
        self._theirs = theirs
        self._written = b""
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    @property
    def written(self) -> str:
        return self._written.decode("utf-8", "replace")

    def resize(self, columns: int) -> None:
        self.columns = columns
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def wait(self) -> int:
        code = self.process.wait(timeout=240)
        os.close(self._theirs)  # not sooner: without it, the reader would end before the program has begun
        self._reading.join()
        os.close(self._ours)
        return code

    def _read(self) -> None:
        while True:
            try:
                found = os.read(self._ours, 4096)
            except OSError:  # how Linux says that nobody has the other end open any more
                return
            if not found:
                return
            self._written += found


def drawn(written: str) -> list[str]:
    """Return each line that was drawn in place and did not end, without its colours."""
    frames = re.findall(r"\r\x1b\[K([^\r\n]*)(?=\r\x1b|$)", written)
    return [re.sub(r"\x1b\[[0-9;]*m", "", frame) for frame in frames if frame]


@pytest.fixture
def slow(duckdb_project: ParsedProject, tmp_path: Path, sandbox: Sandbox) -> Bench:
    """A sync that takes a second or two."""
    bench = Bench(duckdb_project, tmp_path, sandbox)
    people(bench, 120)
    sandbox.change(latency_ms=40)
    return bench


def syncing(bench: Bench, columns: int, **environment: str) -> Terminal:
    command = ["dbt-drift", "sync", "--threads", "4", *project_of(bench)]
    return Terminal(columns, command, bench.environment | environment)


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_the_line_never_wraps(slow: Bench, columns: int) -> None:
    terminal = syncing(slow, columns)
    assert terminal.wait() == 0, terminal.written
    frames = drawn(terminal.written)
    assert "Loading dbt and the project" in frames[0]
    sent = [frame for frame in frames if "people" in frame and "/120" in frame]
    assert len(sent) >= 3, terminal.written
    assert max(map(len, frames)) < columns
    assert [frame for frame in sent if "requests/s" not in frame] == []
    usual = [frame for frame in sent if re.search(r"left  \d+ of 50 requests/s(  \[.*)?$", frame)]
    assert {"[" in frame for frame in usual} == {columns >= 80}, usual
    # What was drawn is erased before anything else is printed.
    assert terminal.written.rindex(ERASE) < terminal.written.index("Done in")


def test_what_is_rejected_so_far_and_what_a_plan_compares(slow: Bench) -> None:
    slow.sandbox.change(faults=[Fault(status=400, method="POST", path="/contacts", rate=0.5)])
    terminal = syncing(slow, 100)
    assert terminal.wait() == 1, terminal.written
    assert re.search(r"people \d+/120  .*\d+ rejected  \d+ of 50 requests/s", "\n".join(drawn(terminal.written)))
    plan = Terminal(80, ["dbt-drift", "plan", "--rows", "0", *project_of(slow)], slow.environment)
    assert plan.wait() == 0, plan.written
    assert "Comparing people with what Drift has accepted, 1 of 1" in drawn(plan.written)


def test_the_line_follows_a_resize(slow: Bench) -> None:
    terminal = syncing(slow, 100)
    while terminal.written.count("/120") < 3:
        assert terminal.process.poll() is None, terminal.written
    terminal.resize(40)
    before = len(terminal.written)
    assert terminal.wait() == 0
    later = drawn(terminal.written[before:])[1:]  # the first one may have been measured before
    assert [frame for frame in later if "/120" in frame]
    assert max(map(len, later)) < 40


def test_without_colours_where_nobody_wants_them(slow: Bench) -> None:
    assert "\x1b[32m" in coloured(slow)
    assert not re.search(r"\x1b\[[0-9;]*m", coloured(slow, NO_COLOR="1"))


def coloured(bench: Bench, **environment: str) -> str:
    terminal = syncing(bench, 80, **environment)
    assert terminal.wait() == 0
    return terminal.written


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"DBT_QUIET": "1"}])
def test_nothing_is_drawn_where_it_cannot_be_or_is_not_wanted(slow: Bench, environment: dict[str, str]) -> None:
    terminal = syncing(slow, 80, **environment)
    assert terminal.wait() == 0
    assert drawn(terminal.written) == []


def test_a_pipe_gets_lines(slow: Bench) -> None:
    done = run_process("sync", *project_of(slow), environment=slow.environment)
    assert done.code == 0
    assert done.err == ""
    assert not re.search(r"[\r\x1b]", done.out)


def test_a_second_interrupt_ends_without_a_word_of_semaphores(slow: Bench) -> None:
    slow.sandbox.change(latency_ms=20_000)
    terminal = syncing(slow, 80)
    while "/120" not in terminal.written:
        assert terminal.process.poll() is None, terminal.written
    terminal.process.send_signal(signal.SIGINT)
    while "Stopping:" not in terminal.written:
        assert terminal.process.poll() is None, terminal.written
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.wait() == 130
    assert "leaked" not in terminal.written
    assert f"{ERASE}Stopping:" in terminal.written
