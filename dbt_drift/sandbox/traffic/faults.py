"""Chooses the fault for each request, and the latency of answers."""

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
    """The faults of a behaviour, their remaining counts, and the random numbers for their rates."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = _chance(behaviour)
        self._armed = _arm(behaviour)

    def switch(self, behaviour: Behaviour) -> None:
        """Apply a changed behaviour. Setting faults restarts their counts, even if the faults are the same."""
        if behaviour.faults is not self._behaviour.faults or behaviour.seed != self._behaviour.seed:
            self._random = _chance(behaviour)
            self._armed = _arm(behaviour)
        self._behaviour = behaviour

    def strike(self, method: str, template: str, path: str) -> Fault | None:
        """Return the fault for this request, and count it."""
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
        """Return the latency of the next answer, in milliseconds."""
        behaviour = self._behaviour
        jitter = behaviour.latency_jitter_ms
        return behaviour.latency_ms + (self._random.random() * jitter if jitter else 0)


def matches(pattern: str, template: str, path: str) -> bool:
    """Return whether a pattern matches a path, as template or as sent; `*` matches anything."""
    return any(fnmatchcase(one, pattern.replace("[", "[[]")) for one in (template, path))


def _arm(behaviour: Behaviour) -> list[_Armed]:
    return [_Armed(fault, fault.skip, fault.count) for fault in behaviour.faults]


def _chance(behaviour: Behaviour) -> random.Random:
    return random.Random(behaviour.seed)  # noqa: S311 - chance that can be repeated, not a secret
