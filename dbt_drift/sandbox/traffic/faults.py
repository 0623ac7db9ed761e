"""Which requests are struck by which fault, and how long answers take."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from dbt_drift.sandbox.behaviour import Fault

if TYPE_CHECKING:
    from dbt_drift.sandbox.behaviour import Behaviour


class _Armed(msgspec.Struct):
    fault: Fault
    to_skip: int
    left: int | None

    def concerns(self, method: str, template: str, path: str) -> bool:
        fault = self.fault
        if fault.method and method not in fault.method.split(","):
            return False
        return not fault.path or matches(fault.path, template, path)


class Faults:
    """The faults of a behaviour, with what is left of each, and the chance behind their rates."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = _chance(behaviour)
        self._armed = _arm(behaviour)

    def switch(self, behaviour: Behaviour) -> None:
        """Follow a change of the behaviour. Faults start to count again when they are given again, even as before."""
        if behaviour.faults is not self._behaviour.faults or behaviour.seed != self._behaviour.seed:
            self._random = _chance(behaviour)
            self._armed = _arm(behaviour)
        self._behaviour = behaviour

    def strike(self, method: str, template: str, path: str) -> Fault | None:
        """Return the fault that strikes this request, counted as one of its strikes."""
        for armed in self._armed:
            fault = armed.fault
            if armed.left == 0 or not armed.concerns(method, template, path):
                continue
            if armed.to_skip:
                armed.to_skip -= 1
            elif fault.rate >= 1 or self._random.random() < fault.rate:
                if armed.left is not None:
                    armed.left -= 1
                return fault
        return None

    def latency(self) -> float:
        """Return how long the next answer takes, in milliseconds."""
        behaviour = self._behaviour
        jitter = behaviour.latency_jitter_ms
        return behaviour.latency_ms + (self._random.random() * jitter if jitter else 0)


def matches(pattern: str, template: str, path: str) -> bool:
    """Return whether a pattern, in which `*` stands for anything, is that of a path: of its template, or as sent."""
    return any(fnmatchcase(one, pattern.replace("[", "[[]")) for one in (template, path))


def _arm(behaviour: Behaviour) -> list[_Armed]:
    return [_Armed(fault, fault.skip, fault.count) for fault in behaviour.faults]


def _chance(behaviour: Behaviour) -> random.Random:
    return random.Random(behaviour.seed)  # noqa: S311 - chance that can be repeated, not a secret
