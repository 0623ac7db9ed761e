"""Marks a process, so that another one on the same machine can tell whether it has ended."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_BEFORE_STATE = ") "
_STATE, _STARTED = 0, 19
"""The positions of state and start time after the name in /proc/<pid>/stat (man 5 proc, fields 3 and 22)."""


def process_mark() -> str:
    """Return a text that no other process has, here or elsewhere; "" if the system has no /proc."""
    machine, started = _machine(), _started(os.getpid())
    return f"{machine} {os.getpid()} {started}" if machine and started else ""


def has_ended(mark: str) -> bool:
    """Return whether the process with this mark is known to have ended; False if this machine cannot know."""
    machine, _, rest = mark.partition(" ")
    pid, _, started = rest.partition(" ")
    return bool(started) and machine == _machine() and _started(int(pid)) != started


def _machine() -> str:
    """Return the boot id of this machine and the pid namespace, which differs between containers."""
    try:
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self' / 'ns' / 'pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; "" if there is none, or if it has ended."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(_BEFORE_STATE)[2].split()
    except OSError:
        return ""
    return "" if fields[_STATE] in {"Z", "X"} else fields[_STARTED]
