"""Problems with declarations: collected over the whole project, shown together, grouped by model."""

from __future__ import annotations

import difflib
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec import Struct

from dbt_drift.escaping import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Problem(Struct, frozen=True):
    """One problem with one declaration.

    Attributes:
        path: The file to fix, relative to the root of its package.
        model: The name of the model, seed or snapshot (with ``.vN`` for a version).
        key: Where in the model's properties, such as ``meta.drift.audiences[0].mode``; "" if in none of them.
        message: What is wrong, without a full stop.
        suggestion: What to write instead, as one sentence; "" if the message is enough.
    """

    path: str
    model: str
    key: str
    message: str
    suggestion: str = ""


class Report:
    """Collects the problems of one model.

    Attributes:
        model: The name of the model.
        path: The file to fix.
        problems: The reported problems, in order.
    """

    def __init__(self, model: str, path: str) -> None:
        self.model = model
        self.path = path
        self.problems: list[Problem] = []

    def add(self, key: str, message: str, suggestion: str = "") -> None:
        """Report one problem of the model."""
        self.problems.append(Problem(self.path, self.model, key, message, suggestion))


def nearest(word: str, right: Iterable[str]) -> str | None:
    """Return the valid word that the author of ``word`` most likely meant, or None if none is similar.

    A difference in case alone always counts as similar.
    """
    words = list(right)
    by_folded = {candidate.casefold(): candidate for candidate in reversed(words)}
    matches = difflib.get_close_matches(word.casefold(), by_folded, n=1)
    return by_folded[matches[0]] if matches else None


def did_you_mean(word: str, right: Iterable[str]) -> str:
    """Return a sentence that suggests the most similar valid word, or else lists all words if they are few."""
    words = list(right)
    match = nearest(word, words)
    if match:
        return f"Did you mean `{escaped(match)}`?"
    few = 12
    return f"Use {one_of(words)}." if 0 < len(words) <= few else ""


def one_of(words: Iterable[str]) -> str:
    """Return the words as alternatives: `a`, `b` or `c`."""
    quoted = [f"`{escaped(word)}`" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else "".join(quoted)


def render(problems: Sequence[Problem]) -> str:
    """Return the problems as text for a terminal, grouped by file and model.

    Args:
        problems: At least one. Problems of the same model keep their order.
    """
    ordered = sorted(problems, key=_whose)
    models = [(whose, list(group)) for whose, group in groupby(ordered, key=_whose)]
    lines = [f"{_count(len(ordered), 'problem')} in the Drift declarations of {_count(len(models), 'model')}:"]
    for (path, model), group in models:
        lines += ["", f"{model} ({path})"]
        for problem in group:
            lines.append(f"  {problem.key}: {problem.message}" if problem.key else f"  {problem.message}")
            if problem.suggestion:
                lines.append(f"    {problem.suggestion}")
    return "\n".join(lines)


def _whose(problem: Problem) -> tuple[str, str]:
    return problem.path, problem.model


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
