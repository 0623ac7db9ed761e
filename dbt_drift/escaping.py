"""Text from outside, made safe to print: whatever a row, Drift or the warehouse holds, it stays text.

A control character can move the cursor, clear the screen or retitle the window; a bidirectional one makes a line read
as another; a line end begins a line that looks like one of ours. CI systems take some texts for commands, and look for
them in every line that a job prints: `::command::` at its beginning, `##[command]` and `##vso[command]` anywhere.
"""

from __future__ import annotations

import re

_CONTROLS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""C0, DEL, C1, what reorders text, Unicode's line ends; and lone surrogates, which no stream can encode."""

_UNSAFE = re.compile(f"[{_CONTROLS}]|#(?=#(?:\\[|vso\\[))")
_COMMAND = re.compile(r"(?m)^(\s*):(?=:)")


def escaped(text: str) -> str:
    r"""Return a text as one line in which nothing but letters is left.

    >>> print(escaped("a\x1b[2J\n::add-mask::b \u202e ##[error]c"))
    a\x1b[2J\n::add-mask::b \u202e \x23#[error]c
    """
    return _COMMAND.sub(r"\1\\x3a", _UNSAFE.sub(_escape, text))


def escaped_lines(text: str) -> str:
    r"""Return a text of several lines, in which only the line ends between them are left.

    >>> print(escaped_lines("Error: a\x9b\n  ::add-mask::b"))
    Error: a\x9b
      \x3a:add-mask::b
    """
    return "\n".join(map(escaped, text.split("\n")))


def escaped_json(document: bytes) -> str:
    r"""Return a JSON document in which strings hold no such characters: they are written as JSON escapes them.

    >>> escaped_json('"a\u202e ##[b]"'.encode())
    '"a\\u202e \\u0023#[b]"'
    """
    return re.sub(
        f"(?!\n){_UNSAFE.pattern}", lambda found: f"\\u{ord(found[0]):04x}", document.decode("utf-8", "surrogatepass")
    )


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    return "\\x23" if letter == "#" else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
