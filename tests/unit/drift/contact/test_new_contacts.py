"""Whether contacts that are new to us are looked up or created first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dbt_drift.drift.contact.new_contacts import NewContactCounts, NewContacts
from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.contact.steps import UnconfirmedError
from tests.support.contact_script import BY_EMAIL, EMAIL, answer, change, contact, facts, found, one, play, refusal

if TYPE_CHECKING:
    from dbt_drift.drift.contact.change import ContactChange

CREATE = ("POST /contacts", {"attributes": {"email": EMAIL}})


def nobody_known() -> NewContacts:
    first = NewContacts()
    first.learn(known=False)
    return first


def requests_for(known: list[bool]) -> int:
    """Play a population one after the other; a known contact holds what the model says already."""
    first, requests = NewContacts(), 0
    for is_known in known:
        unseen = first.begin()
        requests += (2 if is_known else 1) if unseen else (1 if is_known else 2)
        first.learn(known=is_known)
        first.end()
    return requests


def test_the_first_is_looked_up_and_an_unknown_one_turns_to_creating() -> None:
    first = NewContacts()
    play(change(), (BY_EMAIL, None, found()), (*CREATE, one(contact(1))), first=first)
    outcome = play(change(), (*CREATE, one(contact(2))), first=first)
    assert facts(outcome) == ("created", 2, True, True, None)
    assert first.counts == NewContactCounts(resolved=2, already_in_drift=0, created_without_lookup=1)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_refused_creation_is_looked_up(status: int) -> None:
    first = nobody_known()
    outcome = play(
        change(attributes={"email": EMAIL, "name": "Ada"}),
        ("POST /contacts", {"attributes": {"email": EMAIL, "name": "Ada"}}, refusal(status)),
        (BY_EMAIL, None, found(contact(7, email=EMAIL))),
        ("PATCH /contacts/7", {"attributes": {"name": "Ada"}}, answer()),
        first=first,
    )
    assert facts(outcome) == ("updated", 7, True, True, None)
    assert first.counts == NewContactCounts(resolved=2, already_in_drift=1)


def test_what_is_found_after_an_unconfirmed_creation_may_have_been_there() -> None:
    outcome = play(
        change(), (*CREATE, UnconfirmedError()), (BY_EMAIL, None, found(contact(7, email=EMAIL))), first=nobody_known()
    )
    assert facts(outcome) == ("matched", 7, True, True, None)


@pytest.mark.parametrize(
    "wanted",
    [
        change(identity={"email": EMAIL, "externalId": "c-1"}),
        change(identity={"email": "Ada@example.com"}),
        change(create_missing=False),
    ],
    ids=["with an externalId Drift would make a second one", "case may not be folded", "none is to be made"],
)
def test_where_drift_may_not_refuse_a_double_it_is_looked_up(wanted: ContactChange) -> None:
    assert not wanted.guarded_by_drift


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.7, 0.9, 1.0])
def test_the_cheaper_way_is_found(share: float) -> None:
    known = [(number * 7 % 10) < share * 10 for number in range(1000)]
    assert requests_for(known) <= 1.05 * min(1000 + sum(known), 2000 - sum(known)) + 2


def test_a_population_that_changes_is_followed() -> None:
    assert requests_for([True] * 1000 + [False] * 1000) <= 2000 + 30


def test_few_begin_before_anything_is_known() -> None:
    first = NewContacts()
    assert begun_until_full(first) == 8
    first.end()
    assert begun_until_full(first) == 2


def begun_until_full(first: NewContacts) -> int:
    begun = 0
    while first.room:
        first.begin()
        begun += 1
    return begun


def folds(organisation: Organisation) -> bool | None:
    return organisation.spelling.folds


class TestSpelling:
    IDENTITY = {"email": "Ada@Example.com"}  # noqa: RUF012 - never changed
    AS_GIVEN = ("GET /contacts?email=Ada%40Example.com&limit=100", None)
    LOWER = (BY_EMAIL, None)

    def test_it_is_looked_up_in_lower_case_too_until_drift_is_seen_to_fold(self) -> None:
        organisation = Organisation()
        wanted = change(identity=self.IDENTITY, attributes={})
        play(
            wanted, (*self.AS_GIVEN, found()), (*self.LOWER, found(contact(7, email=EMAIL))), organisation=organisation
        )
        assert folds(organisation) is None
        play(wanted, (*self.AS_GIVEN, found(contact(7, email=EMAIL))), organisation=organisation)
        assert folds(organisation)
        made = ("POST /contacts", {"attributes": self.IDENTITY}, one(contact(8)))
        play(wanted, (*self.AS_GIVEN, found()), made, organisation=organisation)

    @pytest.mark.parametrize("folding", [True, False])
    def test_one_creation_in_a_run_finds_it_out(self, folding: bool) -> None:  # noqa: FBT001 - pytest gives it by name
        organisation = Organisation()
        wanted = change(identity=self.IDENTITY, attributes={})
        both = ((*self.AS_GIVEN, found()), (*self.LOWER, found()))
        made = ("POST /contacts", {"attributes": self.IDENTITY}, one(contact(8, email="Ada@Example.com")))
        play(wanted, *both, made, organisation=organisation)
        probe = (*self.LOWER, found(contact(8, email="Ada@Example.com")) if folding else found())
        play(wanted, *both, made, probe, organisation=organisation)
        assert folds(organisation) is folding
        play(wanted, *(both[:1] if folding else both), made, organisation=organisation)
