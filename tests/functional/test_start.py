"""What a command does not do as it starts."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

from tests.support import warm
from tests.support.command_line import project_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Bench


def opened_to_read(pipe: Path) -> bool:
    """Return whether a process waits for what is in a named pipe; it then goes on, having found nothing."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        if error.errno == errno.ENXIO:
            return False
        raise
    return True


def test_dbt_does_not_read_what_it_has_parsed(people: Bench) -> None:
    """In a big project it is megabytes, and takes dbt seconds to decode. Commands that need it read what they need."""
    pipe = people.target / "partial_parse.msgpack"
    os.mkfifo(pipe)
    running = warm.Process("dbt-drift", "status", *project_of(people), env=os.environ | people.environment)
    read = False
    while running.poll() is None:
        read = opened_to_read(pipe) or read
        time.sleep(0.01)
    out, err = running.communicate()
    assert running.returncode == 0, out + err
    assert not read
