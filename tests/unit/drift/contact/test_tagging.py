"""What becomes of the tag calls in an organisation that has no contact tags any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from dbt_drift.drift.contact import tagging
from dbt_drift.drift.contact.organisation import Organisation
from dbt_drift.drift.http import endpoints
from tests.support.contact_script import answer, change, contact, facts, found, one, play, refusal, steps_of

if TYPE_CHECKING:
    from dbt_drift.drift.contact.change import ContactChange

OK = answer()
SET = ("POST /contacts/7/tags", [{"name": "VIP"}])
LOOK = ("GET /contacts/7/tags", None)
TAGGED = change(contact_id=7, attributes={}, add_tags=("VIP",))
AWAY = change(contact_id=7, attributes={}, remove_tags=("VIP",))
NOBODY = found()  # an empty list, of tags as of contacts
REFUSED = ("rejected", 7, True, False, "tags_ignored")


def test_until_one_is_seen_each_tagged_contact_is_looked_at() -> None:
    organisation = Organisation()
    seen = (*LOOK, answer({"data": [{"name": "VIP", "color": "ff69b4"}]}))
    assert facts(play(TAGGED, (*SET, OK), seen, organisation=organisation)) == ("updated", 7, True, True, None)
    assert facts(play(TAGGED, (*SET, OK), organisation=organisation)) == ("updated", 7, True, True, None)


def test_a_late_tag_is_seen_at_the_second_look() -> None:
    seen = (*LOOK, answer({"data": [{"name": "VIP"}]}))
    outcome = play(TAGGED, (*SET, OK), (*LOOK, NOBODY), seen, organisation=Organisation())
    assert outcome.tags_accepted


def test_the_second_look_comes_later() -> None:
    steps = steps_of(TAGGED, Organisation())
    next(steps)
    assert steps.send(OK).after == 0
    nothing = endpoints.list_tags(7).reads.decode(b'{"data": []}')  # type: ignore[union-attr]
    assert steps.send(structs.replace(OK, data=nothing)).after == tagging.SECOND_LOOK_SECONDS


def test_tags_that_are_never_seen_are_sent_no_more() -> None:
    organisation = Organisation()
    looked = (*LOOK, NOBODY)
    for _ in range(3):
        assert facts(play(TAGGED, (*SET, OK), looked, looked, organisation=organisation)) == REFUSED
    assert facts(play(TAGGED, organisation=organisation)) == REFUSED
    assert facts(play(AWAY, organisation=organisation)) == REFUSED


def test_where_nobody_can_look_drifts_word_has_to_do() -> None:
    organisation = Organisation()
    for looks in ([(*LOOK, refusal(404))], []):
        outcome = play(TAGGED, (*SET, OK), *looks, organisation=organisation)
        assert facts(outcome) == ("updated", 7, True, True, None)


@pytest.mark.parametrize("listed", [{"data": ["VIP"]}, {"data": None}, {"tags": []}, ["VIP"], {"data": [{"name": 5}]}])
def test_a_list_of_tags_that_cannot_be_read_tells_nothing(listed: object) -> None:
    organisation = Organisation()
    for looks in ([(*LOOK, answer(listed))], []):
        outcome = play(TAGGED, (*SET, OK), *looks, organisation=organisation)
        assert facts(outcome) == ("updated", 7, True, True, None)


def test_a_run_that_sets_many_looks_once_though_earlier_runs_have_seen_tags() -> None:
    organisation = Organisation(tags_seen=True)
    for _ in range(19):
        play(TAGGED, (*SET, OK), organisation=organisation)
    play(TAGGED, (*SET, OK), (*LOOK, answer({"data": [{"name": "VIP"}]})), organisation=organisation)
    play(TAGGED, (*SET, OK), organisation=organisation)


@pytest.mark.parametrize("wanted", [TAGGED, AWAY], ids=["set", "taken away"])
def test_calls_that_do_not_exist_are_made_for_one_contact_only(wanted: ContactChange) -> None:
    organisation = Organisation()
    gone = refusal(404, "not_found")
    first = play(TAGGED, (*SET, gone), ("GET /contacts/7", None, one(contact(7))), organisation=organisation)
    assert facts(first) == ("rejected", 7, True, False, "tags_unavailable")
    again = play(wanted, organisation=organisation)
    assert facts(again) == ("rejected", 7, True, False, "tags_unavailable")
    assert again.requests == 0
