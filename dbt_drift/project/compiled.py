"""Whether SQL that dbt has compiled can come from a file, told without compiling it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPHEMERAL = "__dbt__cte__"
"""dbt begins so the names of what it puts in front of a query, in the midst of what the file says."""

_ALONE = frozenset({"do", "include", "import", "from", "extends", "else", "elif", "break", "continue"})
"""Tags of Jinja without an end; `set` is one of them where it assigns something."""


def could_come_from(source: str, compiled: str) -> bool:
    """Return whether compiling the source can give this SQL; True where it cannot be told.

    What the source says outside of Jinja stands in the SQL, in that order. What Jinja makes of the rest may depend on
    the warehouse and on the day, and is not compared. Blanks do not count.
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
    """Yield what stands before, between and after the parts that Jinja makes, which may be nothing."""
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
    """Return how much deeper the text after a tag is."""
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
