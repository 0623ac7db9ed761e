"""The rules of one contact, step by step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dbt_drift.drift.contact.steps import GaveUpError, UnconfirmedError
from tests.support.contact_script import (
    BY_EMAIL,
    EMAIL,
    answer,
    change,
    contact,
    facts,
    found,
    one,
    play,
    refusal,
    steps_of,
)

BY_ID = "GET /contacts?idType=external&id=c-1"
OK = answer()
GONE = refusal(404, "not_found")


def create(**attributes: Any) -> tuple[str, dict[str, Any]]:
    return "POST /contacts", {"attributes": {"email": EMAIL, **attributes}}


def patch(number: int, **attributes: Any) -> tuple[str, dict[str, Any]]:
    return f"PATCH /contacts/{number}", {"attributes": attributes}


class TestKnownContact:
    def test_a_changed_attribute_costs_one_request(self) -> None:
        outcome = play(change(contact_id=7, attributes={"name": "Ada"}), (*patch(7, name="Ada"), OK))
        assert facts(outcome) == ("updated", 7, True, True, None)

    def test_nothing_changed_costs_none(self) -> None:
        with pytest.raises(StopIteration) as end:
            next(steps_of(change(contact_id=7, attributes={})))
        assert facts(end.value.value) == ("matched", 7, True, True, None)

    def test_numbers_keep_their_digits(self) -> None:
        flow = steps_of(change(contact_id=7, attributes={"n": msgspec.Raw(b"12345678901234567890.50")}))
        assert next(flow).body == b'{"attributes":{"n":12345678901234567890.50}}'

    def test_tags_follow_the_attributes(self) -> None:
        outcome = play(
            change(contact_id=7, attributes={"name": "Ada"}, add_tags=("VIP", "A/B"), remove_tags=("Old",)),
            (*patch(7, name="Ada"), OK),
            ("POST /contacts/7/tags", [{"name": "VIP"}, {"name": "A/B"}], OK),
            ("POST /contacts/7/tags/delete/_bulk", ["Old"], OK),
        )
        assert facts(outcome) == ("updated", 7, True, True, None)

    def test_tags_alone(self) -> None:
        outcome = play(
            change(contact_id=7, attributes={}, remove_tags=("a", "..")),
            ("POST /contacts/7/tags/delete/_bulk", ["a", ".."], OK),
        )
        assert facts(outcome) == ("updated", 7, True, True, None)

    def test_refused_attributes_leave_the_tags_alone(self) -> None:
        outcome = play(
            change(contact_id=7, attributes={"phone": "?"}, add_tags=("VIP",)),
            (*patch(7, phone="?"), refusal(400, message="phone is bad")),
        )
        assert facts(outcome) == ("rejected", 7, False, False, "validation_error")
        assert outcome.message == "phone is bad"

    def test_refused_tags_keep_the_attributes_accepted(self) -> None:
        outcome = play(
            change(contact_id=7, attributes={"name": "Ada"}, add_tags=("VIP",)),
            (*patch(7, name="Ada"), OK),
            ("POST /contacts/7/tags", [{"name": "VIP"}], refusal(422, "odd_error")),
        )
        assert facts(outcome) == ("rejected", 7, True, False, "odd_error")

    def test_an_email_of_another_contact(self) -> None:
        outcome = play(
            change(contact_id=7),
            (*patch(7, email=EMAIL), refusal(409, "conflict")),
            (BY_EMAIL, None, found(contact(8, email=EMAIL))),
        )
        assert facts(outcome) == ("rejected", 7, False, False, "email_taken")

    def test_a_conflict_of_another_kind_keeps_drifts_words(self) -> None:
        outcome = play(
            change(contact_id=7),
            (*patch(7, email=EMAIL), refusal(409, "conflict", "busy")),
            (BY_EMAIL, None, found(contact(7, email=EMAIL))),
        )
        assert (outcome.reason, outcome.message) == ("conflict", "busy")

    @pytest.mark.parametrize("status", [400, 409])
    def test_an_external_id_of_another_contact(self, status: int) -> None:
        outcome = play(
            change(contact_id=7, attributes={"externalId": "c-1"}),
            (*patch(7, externalId="c-1"), refusal(status)),
            (BY_ID, None, found(contact(8, externalId="c-1"))),
        )
        assert facts(outcome) == ("rejected", 7, False, False, "external_id_taken")

    def test_a_message_is_cut(self) -> None:
        outcome = play(change(contact_id=7), (*patch(7, email=EMAIL), refusal(400, message="x" * 9999)))
        assert outcome.message == "x" * 500


class TestDeletedContact:
    """A remembered contact that somebody deleted in Drift."""

    whole = change(
        contact_id=7,
        attributes={"name": "Ada"},
        unchanged={"email": EMAIL, "phone": "1"},
        add_tags=("New",),
        unchanged_tags=("Old",),
    )

    def test_its_successor_gets_everything(self) -> None:
        outcome = play(
            self.whole,
            (*patch(7, name="Ada"), GONE),
            (BY_EMAIL, None, found()),
            (*create(phone="1", name="Ada"), one(contact(9, email=EMAIL, tags=[]))),
            ("POST /contacts/9/tags", [{"name": "Old"}, {"name": "New"}], OK),
        )
        assert facts(outcome) == ("created", 9, True, True, None)

    def test_another_contact_with_the_email_takes_its_place(self) -> None:
        outcome = play(
            self.whole,
            (*patch(7, name="Ada"), GONE),
            (BY_EMAIL, None, found(contact(8, email=EMAIL, name="Ada", tags=[{"name": "Old"}, {"name": "New"}]))),
            (*patch(8, phone="1"), OK),
        )
        assert facts(outcome) == ("updated", 8, True, True, None)

    def test_what_the_model_takes_away_is_taken_from_its_place_too(self) -> None:
        wanted = change(contact_id=7, attributes={"name": "Ada"}, unchanged_removals=("Lead",))
        outcome = play(
            wanted,
            (*patch(7, name="Ada"), GONE),
            (BY_EMAIL, None, found(contact(8, email=EMAIL, name="Ada", tags=[{"name": "Lead"}]))),
            ("POST /contacts/8/tags/delete/_bulk", ["Lead"], OK),
        )
        assert facts(outcome) == ("updated", 8, True, True, None)

    def test_a_value_that_was_never_written_to_its_place_is_not_cleared(self) -> None:
        outcome = play(
            change(contact_id=7, attributes={"name": "Ada", "phone": msgspec.Raw(b"null")}),
            (*patch(7, name="Ada", phone=None), GONE),
            (BY_EMAIL, None, found(contact(8, email=EMAIL, phone="1"))),
            (*patch(8, name="Ada"), OK),
        )
        assert facts(outcome) == ("updated", 8, True, True, None)

    def test_found_out_by_its_tags(self) -> None:
        outcome = play(
            change(contact_id=7, attributes={}, unchanged={"email": EMAIL}, add_tags=("VIP",)),
            ("POST /contacts/7/tags", [{"name": "VIP"}], GONE),
            ("GET /contacts/7", None, GONE),
            (BY_EMAIL, None, found(contact(8, email=EMAIL))),
            ("POST /contacts/8/tags", [{"name": "VIP"}], OK),
        )
        assert facts(outcome) == ("updated", 8, True, True, None)

    def test_deleted_again_and_again(self) -> None:
        again: list[Any] = [(BY_EMAIL, None, found(contact(8))), (*patch(8, email=EMAIL), GONE)]
        outcome = play(change(contact_id=7), (*patch(7, email=EMAIL), GONE), *again, *again)
        assert facts(outcome) == ("rejected", None, False, False, "deleted_meanwhile")


class TestDepartedRow:
    """A row that has left the model: tags are taken away, nothing is made."""

    leaving = change(contact_id=7, attributes={}, remove_tags=("VIP",), create_missing=False, deleted="leave")
    removal = ("POST /contacts/7/tags/delete/_bulk", ["VIP"])

    def test_a_deleted_contact_has_no_tags(self) -> None:
        outcome = play(self.leaving, (*self.removal, GONE), ("GET /contacts/7", None, GONE))
        assert facts(outcome) == ("matched", 7, True, True, None)

    def test_a_contact_that_never_was(self) -> None:
        gone = change(attributes={"name": "Ada"}, create_missing=False)
        outcome = play(gone, (BY_EMAIL, None, found()))
        assert facts(outcome) == ("missing", None, False, False, "no_contact")

    def test_an_organisation_without_tags_whose_contact_shows_none(self) -> None:
        outcome = play(self.leaving, (*self.removal, GONE), ("GET /contacts/7", None, one(contact(7, tags=[]))))
        assert facts(outcome) == ("matched", 7, True, True, None)

    def test_an_organisation_without_tags_that_still_shows_them(self) -> None:
        held = one(contact(7, tags=[{"name": "VIP"}]))
        outcome = play(self.leaving, (*self.removal, GONE), ("GET /contacts/7", None, held))
        assert facts(outcome) == ("rejected", 7, True, False, "tags_unavailable")


class TestUnknownByEmail:
    def test_none_found_is_created_with_everything(self) -> None:
        outcome = play(
            change(attributes={"email": EMAIL, "name": "Ada"}, add_tags=("VIP",), remove_tags=("Old",)),
            (BY_EMAIL, None, found()),
            (*create(name="Ada"), one(contact(5, email=EMAIL, tags=[]))),
            ("POST /contacts/5/tags", [{"name": "VIP"}], OK),
        )
        assert facts(outcome) == ("created", 5, True, True, None)

    def test_a_create_that_applied_the_tags_already(self) -> None:
        outcome = play(
            change(add_tags=("VIP",)),
            (BY_EMAIL, None, found()),
            (*create(), one(contact(5, tags=[{"name": "VIP", "color": "ff0000"}]))),
        )
        assert facts(outcome) == ("created", 5, True, True, None)

    def test_an_answer_that_does_not_show_tags(self) -> None:
        outcome = play(
            change(remove_tags=("Old",)),
            (BY_EMAIL, None, found(contact(5, email=EMAIL))),
            ("POST /contacts/5/tags/delete/_bulk", ["Old"], OK),
        )
        assert facts(outcome) == ("updated", 5, True, True, None)

    def test_found_equal_is_left_alone(self) -> None:
        outcome = play(
            change(attributes={"email": EMAIL, "n": msgspec.Raw(b"5.0")}, add_tags=("VIP",)),
            (BY_EMAIL, None, found(contact(5, email=EMAIL, n=5, tags=[{"name": "VIP"}]))),
        )
        assert facts(outcome) == ("matched", 5, True, True, None)

    def test_only_what_differs_is_written(self) -> None:
        outcome = play(
            change(attributes={"email": EMAIL, "name": "Ada", "plan": "pro"}),
            (BY_EMAIL, None, found(contact(5, email=EMAIL, name="Ada", plan="free"))),
            (*patch(5, plan="pro"), OK),
        )
        assert facts(outcome) == ("updated", 5, True, True, None)

    def test_of_several_the_one_first_created(self) -> None:
        several = found(contact(3, 20, email=EMAIL), contact(4, 10, email=EMAIL), contact(2, 20, email=EMAIL))
        assert play(change(), (BY_EMAIL, None, several)).contact_id == 4

    def test_of_several_the_one_with_the_external_id(self) -> None:
        several = found(contact(3, 10, email=EMAIL), contact(4, 20, email=EMAIL, externalId="c-1"))
        wanted = change(identity={"email": EMAIL, "externalId": "c-1"})
        assert play(wanted, (BY_EMAIL, None, several)).contact_id == 4

    def test_an_object_in_place_of_a_list(self) -> None:
        assert play(change(), (BY_EMAIL, None, one(contact(5, email=EMAIL)))).contact_id == 5

    def test_404_in_place_of_an_empty_list(self) -> None:
        assert play(change(), (BY_EMAIL, None, GONE), (*create(), one(contact(5)))).contact_id == 5

    def test_capitals_are_looked_up_in_both_spellings(self) -> None:
        mixed = change(identity={"email": "Ada@Example.com"}, attributes={"email": "Ada@Example.com"})
        outcome = play(
            mixed,
            ("GET /contacts?email=Ada%40Example.com&limit=100", None, found()),
            (BY_EMAIL, None, found(contact(5, email=EMAIL))),
        )
        assert facts(outcome) == ("matched", 5, True, True, None)

    def test_a_refused_look_up(self) -> None:
        outcome = play(change(), (BY_EMAIL, None, refusal(400, message="email is invalid")))
        assert (outcome.reason, outcome.message) == ("validation_error", "email is invalid")

    @pytest.mark.parametrize("status", [400, 409, 422])
    def test_made_by_somebody_else_in_the_meantime(self, status: int) -> None:
        outcome = play(
            change(attributes={"email": EMAIL, "name": "Ada"}),
            (BY_EMAIL, None, found()),
            (*create(name="Ada"), refusal(status)),
            (BY_EMAIL, None, found(contact(5, email=EMAIL))),
            (*patch(5, name="Ada"), OK),
        )
        assert facts(outcome) == ("updated", 5, True, True, None)

    def test_refused_for_good(self) -> None:
        outcome = play(
            change(),
            (BY_EMAIL, None, found()),
            (*create(), refusal(400, message="email is invalid")),
            (BY_EMAIL, None, found()),
        )
        assert facts(outcome) == ("rejected", None, False, False, "validation_error")

    def test_its_external_id_is_taken(self) -> None:
        identity = {"email": EMAIL, "externalId": "c-1"}
        outcome = play(
            change(identity=identity, attributes=identity),
            (BY_EMAIL, None, found()),
            (*create(externalId="c-1"), refusal(409, "conflict")),
            (BY_EMAIL, None, found()),
            (BY_ID, None, found(contact(8, externalId="c-1"))),
        )
        assert facts(outcome) == ("rejected", None, False, False, "external_id_taken")

    def test_an_organisation_without_contact_tags(self) -> None:
        outcome = play(
            change(add_tags=("VIP",)),
            (BY_EMAIL, None, found(contact(5, email=EMAIL))),
            ("POST /contacts/5/tags", [{"name": "VIP"}], GONE),
            ("GET /contacts/5", None, one(contact(5))),
        )
        assert facts(outcome) == ("rejected", 5, True, False, "tags_unavailable")


class TestUnknownByExternalId:
    identity = {"email": EMAIL, "externalId": "c-1"}  # noqa: RUF012 - read only
    wanted = change(match_on="externalId", key="c-1", identity=identity, attributes=identity)

    def test_found_by_it(self) -> None:
        outcome = play(
            self.wanted,
            (BY_ID, None, found(contact(5, email="old@example.com", externalId="c-1"))),
            (*patch(5, email=EMAIL), OK),
        )
        assert facts(outcome) == ("updated", 5, True, True, None)

    def test_a_number_in_drift(self) -> None:
        by_number = change(match_on="externalId", identity={"externalId": "12"}, attributes={"name": "Ada"})
        outcome = play(
            by_number,
            ("GET /contacts?idType=external&id=12", None, found(contact(5, externalId=12, name="Ada"))),
        )
        assert facts(outcome) == ("matched", 5, True, True, None)

    def test_a_contact_without_one_is_adopted_by_email(self) -> None:
        outcome = play(
            self.wanted,
            (BY_ID, None, found()),
            (BY_EMAIL, None, found(contact(4, 1, email=EMAIL, externalId="x"), contact(5, 2, email=EMAIL))),
            (*patch(5, externalId="c-1"), OK),
        )
        assert facts(outcome) == ("updated", 5, True, True, None)

    def test_a_contact_with_another_one_is_not_robbed_of_it(self) -> None:
        outcome = play(
            self.wanted, (BY_ID, None, found()), (BY_EMAIL, None, found(contact(5, email=EMAIL, externalId="x")))
        )
        assert facts(outcome) == ("rejected", None, False, False, "email_taken")

    def test_none_found_is_created(self) -> None:
        outcome = play(
            self.wanted, (BY_ID, None, found()), (BY_EMAIL, None, found()), (*create(externalId="c-1"), one(contact(5)))
        )
        assert facts(outcome) == ("created", 5, True, True, None)


class TestUnconfirmedCreate:
    """A POST whose answer was lost is never simply sent again."""

    lost = (*create(), UnconfirmedError())

    def test_it_had_taken_effect(self) -> None:
        outcome = play(change(), (BY_EMAIL, None, found()), self.lost, (BY_EMAIL, None, found(contact(5, email=EMAIL))))
        assert facts(outcome) == ("created", 5, True, True, None)

    def test_it_had_not(self) -> None:
        outcome = play(
            change(),
            (BY_EMAIL, None, found()),
            self.lost,
            (BY_EMAIL, None, found()),
            (*create(), one(contact(5, email=EMAIL))),
        )
        assert facts(outcome) == ("created", 5, True, True, None)

    def test_it_took_effect_late(self) -> None:
        outcome = play(
            change(),
            (BY_EMAIL, None, found()),
            self.lost,
            (BY_EMAIL, None, found()),
            (*create(), refusal(409, "conflict")),
            (BY_EMAIL, None, found(contact(5, email=EMAIL))),
        )
        assert outcome.contact_id == 5


class TestGivenUp:
    def test_what_was_accepted_counts(self) -> None:
        outcome = play(
            change(contact_id=7, add_tags=("VIP",)),
            (*patch(7, email=EMAIL), OK),
            ("POST /contacts/7/tags", [{"name": "VIP"}], GaveUpError("Given up: status 500.")),
        )
        assert facts(outcome) == ("failed", 7, True, False, "gave_up")
        assert outcome.message == "Given up: status 500."

    def test_a_lost_create(self) -> None:
        outcome = play(change(), (BY_EMAIL, None, found()), (*create(), GaveUpError("Given up.")))
        assert facts(outcome) == ("failed", None, False, False, "gave_up")


def test_nothing_personal_is_shown_by_accident() -> None:
    wanted = change(key=EMAIL)
    request = next(steps_of(wanted))
    outcome = play(wanted, (BY_EMAIL, None, refusal(400, message=EMAIL)))
    shown = f"{wanted!r} {request!r} {outcome!r} {one(contact(5, email=EMAIL))!r}"
    assert EMAIL not in shown
    assert "%40" not in shown
