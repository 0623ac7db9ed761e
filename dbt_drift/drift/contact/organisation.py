"""What a run finds out about the Drift organisation where Drift's documentation leaves it open.

Every contact's steps add to it and go by it, so that each question costs a few requests a run and not one a contact.
Safe to use from many threads. Nothing of it outlives the run: an organisation can change its ways.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt_drift.drift.contact.steps import RejectedError
    from dbt_drift.drift.http.endpoints import Contact

_UNSEEN_ENOUGH = 3
"""Of so many contacts a tag that was set must not be seen, and of none seen, to be sure that tags are ignored."""

_WORTH_A_LOOK = 20
"""After so many tag calls of one run, a look is cheap enough where tags were seen in an earlier one."""

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
        tags: What becomes of the tag calls.

    Args:
        tags_seen: Whether tags have been seen in an earlier run.
    """

    def __init__(self, *, tags_seen: bool = False) -> None:
        self.spelling = Spelling()
        self.joint_look_ups = True
        self.tags = TagCalls(seen=tags_seen)


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


class TagCalls:
    """What becomes of the tag calls (see `tagging`).

    Until a tag that was set has been seen once, each contact that gets one is looked at afterwards, so that nobody is
    taken for tagged who is not. Where an earlier run has seen one, a look now and then is enough.

    Args:
        seen: Whether an earlier run has seen one.
    """

    def __init__(self, *, seen: bool) -> None:
        self._lock = threading.Lock()
        self._seen_before = seen
        self._settled = False
        self._calls = 0
        self._unseen = 0
        self._refusal: RejectedError | None = None

    def check(self) -> None:
        """Ask before a tag call.

        Raises:
            RejectedError: The organisation has no contact tags: the call would be in vain.
        """
        if self._refusal is not None:
            raise type(self._refusal)(self._refusal.reason, str(self._refusal))

    def refused(self, rejected: RejectedError) -> RejectedError:
        """Learn that the tag calls do not exist; returns the same, to raise it."""
        self._refusal = rejected
        return rejected

    def look_needed(self) -> bool:
        """Count a tag call that was accepted; returns whether to look what became of it."""
        with self._lock:
            self._calls += 1
            if self._settled:
                return False
            return not self._seen_before or self._calls >= _WORTH_A_LOOK

    def settled(self) -> None:
        """Learn that a tag was seen, or that none can be."""
        self._settled = True

    def unseen(self, rejected: RejectedError) -> RejectedError:
        """Learn of a contact that does not show a tag that Drift has taken.

        Args:
            rejected: What becomes of this contact, and of all others, without a call, once it has come often enough.

        Returns:
            The same, to raise it.
        """
        with self._lock:
            self._unseen += 1
            if self._unseen >= _UNSEEN_ENOUGH and not self._settled:
                self._refusal = rejected
        return rejected
