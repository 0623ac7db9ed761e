from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_drift.declarations.syncs import declare
from tests.support.projects import EMAIL, manifest, node


def slugs(*nodes: dict[str, Any]) -> list[str]:
    return [sync.slug for sync in declare(manifest(*nodes))]


@pytest.mark.parametrize(
    ("members", "slug"),
    [
        ({"name": "dim_contacts"}, "dim_contacts"),
        ({"name": "DIM_Contacts"}, "dim_contacts"),
        ({"name": "dim-contacts.eu"}, "dim_contacts_eu"),
        ({"name": "2024_contacts"}, "s_2024_contacts"),
        ({"name": "dim_contacts", "version": 2}, "dim_contacts_v2"),
        ({"name": "dim_contacts", "version": 1.5}, "dim_contacts_v1_5"),
        ({"name": "dim_contacts", "version": "2024-01"}, "dim_contacts_v2024_01"),
        ({"name": "contacts", "package_name": "crm"}, "crm__contacts"),
        ({"name": "a" * 32}, "a" * 32),
        ({"name": "a" * 33}, "a" * 23 + "_c742f638"),
    ],
)
def test_a_slug_follows_the_name(members: dict[str, Any], slug: str) -> None:
    assert slugs(node(drift=EMAIL, **members)) == [slug]


def test_long_names_that_begin_alike_stay_apart() -> None:
    first, second = slugs(node("a" * 40 + "x", EMAIL), node("a" * 40 + "y", EMAIL))

    assert first != second


def test_of_two_that_would_be_the_same_the_one_named_so_keeps_the_slug() -> None:
    alone = slugs(node("crm__contacts", EMAIL))

    of_project, of_package = reversed(slugs(node("contacts", EMAIL, package_name="crm"), node("crm__contacts", EMAIL)))

    assert [of_project] == alone
    assert re.fullmatch(r"crm__contacts_[0-9a-f]{8}", of_package)


def test_of_two_that_would_be_the_same_and_neither_is_named_so_both_take_a_hash() -> None:
    both = slugs(node("Contacts", EMAIL), node("CONTACTS", EMAIL))

    assert len(set(both)) == 2
    assert all(re.fullmatch(r"contacts_[0-9a-f]{8}", slug) for slug in both)


NAMES = st.text("aA_-. é1", min_size=1, max_size=3) | st.text("ab", min_size=30, max_size=34)
NODES = st.lists(
    st.builds(
        lambda name, package, version: node(name, EMAIL, package_name=package, version=version),
        NAMES,
        st.sampled_from(["jaffle", "a", "a_"]),
        st.none() | st.integers(1, 2),
    ),
    max_size=8,
    unique_by=lambda one: one["unique_id"],
)


@given(NODES)
def test_slugs_are_unique_and_fit_to_be_identifiers(nodes: list[dict[str, Any]]) -> None:
    found = slugs(*nodes)

    assert len(set(found)) == len(found)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,31}", slug) for slug in found)
