"""The one place that prints: text from outside cannot do more than be read, and one line may stay live below it."""

from __future__ import annotations

import logging
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

import click
import msgspec

from dbt_drift.escaping import escaped, escaped_json, escaped_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BACK_AND_ERASE = "\r\x1b[K"
_UNKNOWN = 80
"""Columns of a terminal that does not know how wide it is."""


def echo(text: str = "", *, err: bool = False, stream: TextIO | None = None, mark: str = "", colour: str = "") -> None:
    """Print a text of one or more lines.

    A reader that goes away ends what is printed, not the command: what is done to Drift and to the ledger, and the exit
    code, do not hang on somebody who reads along.

    Args:
        text: What to print; what it holds of control characters is escaped.
        err: Whether it goes to stderr instead of stdout.
        stream: Where it goes instead of both.
        mark: A word of ours to print in colour, where it first stands in the text.
        colour: Its colour.
    """
    stream = stream or (sys.stderr if err else sys.stdout)
    safe = escaped_lines(text)
    if mark:
        safe = safe.replace(mark, click.style(mark, fg=colour), 1)
    _print(safe, stream)


def echo_document(document: Any) -> None:
    """Print a JSON document for people and programs, on stdout."""
    echo_json(msgspec.json.format(msgspec.json.encode(document), indent=2))


def echo_json(document: bytes, *, stream: TextIO | None = None) -> None:
    """Print a JSON document as it is spaced."""
    _print(escaped_json(document), stream or sys.stdout)


def _print(text: str, stream: TextIO) -> None:
    live_line.clear()
    try:
        # By itself, click leaves colours out where the stream is no terminal.
        click.echo(text, file=stream, color=False if "NO_COLOR" in os.environ else None)
    except BrokenPipeError:
        _to_nowhere(stream)


def _to_nowhere(stream: TextIO) -> None:
    """Let what is still to be written to a stream, at the end of the process too, go unseen."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class _Notices(logging.Handler):
    def __init__(self, tell: Callable[[str], None], debug: Callable[[str], None] | None) -> None:
        super().__init__()
        self._tell = tell
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self._tell(record.getMessage())
        elif self._debug is not None:
            self._debug(record.getMessage())


def show_notices(tell: Callable[[str], None], *, debug: Callable[[str], None] | None = None) -> None:
    """Show what dbt-drift logs from now on.

    Args:
        tell: Shows a warning.
        debug: Shows a line that helps to find a fault; None to leave these out.
    """
    logger = logging.getLogger("dbt_drift")
    logger.handlers = [_Notices(tell, debug)]
    logger.setLevel(logging.WARNING if debug is None else logging.DEBUG)
    logger.propagate = False


class LiveLine:
    """The last line of a terminal, drawn anew in place. Where there is no terminal, nothing."""

    def __init__(self) -> None:
        self._stream: TextIO | None = None

    def draw(self, parts: Sequence[str], stream: TextIO) -> None:
        """Draw the line: as many of its parts, the first ones first, as the terminal is wide now.

        A line that is as wide as the terminal would wrap, and the next one could not take its place.
        """
        if not stream.isatty() or os.environ.get("TERM") == "dumb":
            return
        room = (os.get_terminal_size(stream.fileno()).columns or _UNKNOWN) - 1
        line = ""
        for part in map(escaped, parts):
            longer = f"{line}  {part}" if line else part
            if _width(longer) > room:
                break
            line = longer
        self._stream = stream
        stream.write(f"{_BACK_AND_ERASE}{line}")
        stream.flush()

    def clear(self) -> None:
        """Take the line away, so that something else can be printed in its place."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.write(_BACK_AND_ERASE)
            stream.flush()


live_line = LiveLine()
"""There is one terminal, and one last line of it."""


def _width(text: str) -> int:
    """Return how many columns a text takes: letters of East Asian scripts take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
