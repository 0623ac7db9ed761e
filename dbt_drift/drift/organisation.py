"""What a run finds out about the Drift organisation where Drift's documentation leaves it open.

Every contact's steps add to it and go by it, so that each question costs a few requests a run and not one a contact.
Safe to use from many threads. Nothing of it outlives the run: an organisation can change its ways.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt_drift.drift.endpoints import Contact

_PROBED_AT = 2
"""With which created contact the case of look-ups is probed: with only one of them a run, the probe would cost more
than it saves."""


class Organisation:
    """What is known by now.

    Attributes:
        spelling: Whether a look-up by email minds upper and lower case.
        joint_look_ups: Whether one request may look up several externalIds, as it is documented
            (devdocs.drift.com/docs/retrieving-contact). False once such a request was refused, or its answer has lacked
            a contact that was there.
    """

    def __init__(self) -> None:
        self.spelling = Spelling()
        self.joint_look_ups = True


class Spelling:
    """Whether a look-up by email minds upper and lower case, which is not documented.

    Attributes:
        folds: True where a look-up finds an address in any spelling, False where it does not, None while that is not
            known.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._created = 0
        self.folds: bool | None = None

    def found(self, asked: str, contacts: Iterable[Contact]) -> None:
        """Learn from a look-up: what is found by one spelling and written in another proves that case is folded."""
        if self.folds is None and any(
            contact.email is not None and contact.email != asked and contact.email.lower() == asked.lower()
            for contact in contacts
        ):
            self.folds = True

    def probe(self) -> bool:
        """Whether to find out now, with a contact just created from an address with capital letters.

        Without it a run that only meets unknown addresses would never learn. One contact is chosen for it, once.
        """
        if self.folds is not None:
            return False
        with self._lock:
            self._created += 1
            return self._created == _PROBED_AT
