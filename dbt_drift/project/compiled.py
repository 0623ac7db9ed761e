"""Checks without compiling whether compiled SQL can come from a source file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPHEMERAL = "__dbt__cte__"
"""Prefix of the names of the CTEs that dbt inserts into the SQL of a file."""

_ALONE = frozenset({"do", "include", "import", "from", "extends", "else", "elif", "break", "continue"})
"""Jinja tags without an end tag; `set` is one of them if it assigns a value."""


def could_come_from(source: str, compiled: str) -> bool:
    """Return whether compiling the source can result in this SQL; True if it is unclear.

    The source's text outside of Jinja must occur in the SQL in the same order. The output of Jinja may depend on the
    warehouse and on the date, and is not compared. Blanks are ignored.
    """
    from jinja2 import Environment, TemplateSyntaxError  # noqa: PLC0415 - slow to import

    try:
        tokens = list(Environment(autoescape=True).lex(source))
    except TemplateSyntaxError:
        return True
    wanted, found = list(_texts(tokens)), _plain(compiled)
    if _plain(_EPHEMERAL) in found:
        return True
    first, last = wanted[0], wanted[-1]
    if len(wanted) == 1:
        return found == first
    if not found.startswith(first) or not found.endswith(last):
        return False
    position, end = len(first), len(found) - len(last)
    for text in wanted[1:-1]:
        position = found.find(text, position, end) + len(text)
        if position < len(text):
            return False
    return position <= end


def _texts(tokens: list[tuple[int, str, str]]) -> Iterator[str]:
    """Yield the texts before, between and after the parts that Jinja generates. A text may be empty."""
    text, depth = "", 0
    for place, (_, kind, value) in enumerate(tokens):
        if kind == "data" and not depth:
            text += _plain(value)
        elif kind == "variable_begin" and not depth:
            yield text
            text = ""
        elif kind == "block_begin":
            if not depth:
                yield text
                text = ""
            depth = max(0, depth + _step(tokens[place + 1 :]))
    yield text


def _step(tokens: list[tuple[int, str, str]]) -> int:
    """Return how the nesting depth changes after a tag."""
    inside: list[str] = []
    for _, kind, value in tokens:
        if kind == "block_end":
            break
        if kind != "whitespace":
            inside.append(value)
    name = inside[0] if inside else ""
    if name.startswith("end"):
        return -1
    return 0 if name in _ALONE or (name == "set" and "=" in inside) else 1


def _plain(text: str) -> str:
    return "".join(text.split())
