"""What a run learns about the Drift organisation where Drift's documentation is silent.

All contacts share and update this knowledge, so each question costs a few requests per run instead of one per contact.
Thread-safe. It is not kept after the run, because an organisation can change.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dbt_drift.drift.contact.steps import RejectedError
    from dbt_drift.drift.http.endpoints import Contact

_UNSEEN_ENOUGH = 3
"""After this many contacts whose new tag is not visible, and none where it is, conclude that Drift ignores tags."""

_WORTH_A_LOOK = 20
"""After this many tag calls in a run, check a contact even if an earlier run has seen tags."""

_PROBED_AT = 2
"""Number of the created contact with which the case of look-ups is probed. In a run that creates only one contact,
the probe would cost more than it saves."""


class Organisation:
    """The current knowledge about the organisation.

    Attributes:
        spelling: Whether a look-up by email is case-sensitive.
        joint_look_ups: Whether one request may look up several externalIds, as documented
            (devdocs.drift.com/docs/retrieving-contact). False after such a request was refused, or its answer lacked an
            existing contact.
        tags: Whether Drift applies tags.

    Args:
        tags_seen: Whether an earlier run has seen tags.
    """

    def __init__(self, *, tags_seen: bool = False) -> None:
        self.spelling = Spelling()
        self.joint_look_ups = True
        self.tags = TagCalls(seen=tags_seen)


class Spelling:
    """Whether a look-up by email is case-sensitive. Drift does not document it.

    Attributes:
        folds: True if a look-up finds an address in any case, False if not, None while unknown.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._created = 0
        self.folds: bool | None = None

    def found(self, asked: str, contacts: Iterable[Contact]) -> None:
        """Learn from a look-up: a contact found by a differently cased email proves that Drift folds case."""
        if self.folds is None and any(
            contact.email is not None and contact.email != asked and contact.email.lower() == asked.lower()
            for contact in contacts
        ):
            self.folds = True

    def probe(self) -> bool:
        """Whether to probe now, with a contact just created from an address with capital letters.

        Without the probe, a run that only meets unknown addresses would never learn. One contact per run is used.
        """
        if self.folds is not None:
            return False
        with self._lock:
            self._created += 1
            return self._created == _PROBED_AT


class TagCalls:
    """Whether Drift applies tags (see `tagging`).

    Until one tag has been seen, each contact is checked after its tag call, so that no contact is falsely reported as
    tagged. If an earlier run has seen a tag, an occasional check is enough.

    Args:
        seen: Whether an earlier run has seen a tag.
    """

    def __init__(self, *, seen: bool) -> None:
        self._lock = threading.Lock()
        self._seen_before = seen
        self._settled = False
        self._calls = 0
        self._unseen = 0
        self._refusal: RejectedError | None = None

    def check(self) -> None:
        """Check that tag calls are possible.

        Raises:
            RejectedError: The organisation has no contact tags, so the call would have no effect.
        """
        if self._refusal is not None:
            raise type(self._refusal)(self._refusal.reason, str(self._refusal))

    def refused(self, rejected: RejectedError) -> RejectedError:
        """Record that the tag calls do not exist; returns the error to raise."""
        self._refusal = rejected
        return rejected

    def were_seen(self) -> None:
        """Record that an earlier run has seen a tag."""
        self._seen_before = True

    def look_needed(self) -> bool:
        """Count an accepted tag call; returns whether to check its effect."""
        with self._lock:
            self._calls += 1
            if self._settled:
                return False
            return not self._seen_before or self._calls >= _WORTH_A_LOOK

    def settled(self) -> None:
        """Record that a tag was seen, or that Drift shows no tags."""
        self._settled = True

    def unseen(self, rejected: RejectedError) -> RejectedError:
        """Record a contact that does not show a tag that Drift accepted.

        Args:
            rejected: The error for this contact. Once this has occurred often enough, all later contacts get it
                without a call.

        Returns:
            The error to raise.
        """
        with self._lock:
            self._unseen += 1
            if self._unseen >= _UNSEEN_ENOUGH and not self._settled:
                self._refusal = rejected
        return rejected
