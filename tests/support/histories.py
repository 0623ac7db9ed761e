"""Random histories: what happens to models, to their declarations and in Drift between two syncs."""

from __future__ import annotations

from typing import Literal

import msgspec
from hypothesis import strategies as st

from tests.support.reference.shapes import Mode

NUMBERS = range(5)
SPELLINGS = (str.lower, str.upper, str.title, "  {}\t".format)
OWN = {"_END_USER_VERSION", "_end_user_version", "_calculated_version", "socialProfiles", "events", "start_date",
       "external_id", "tags"}  # fmt: skip

Wrong = Literal["", "twin", "malformed", "missing"]


class Person(msgspec.Struct, frozen=True):
    """A row of `people`; `wrong`: why it cannot be sent."""

    name: str | None
    plan: str | None
    phone: str | None
    tier: str | None
    in_m: bool | None
    in_a: bool | None
    in_r: bool | None
    in_x: bool | None
    spelling: int
    moved: bool
    wrong: Wrong


class Score(msgspec.Struct, frozen=True):
    """A row of `scores`."""

    score: int | None
    active: bool
    spelling: int


class Options(msgspec.Struct, frozen=True):
    """How `people` is declared: options of fields, and the mode of each audience, None for none."""

    nulls: Literal["skip", "clear"]
    overwrite: bool
    create_missing: bool
    on_deleted: Literal["create", "reject"]
    modes: dict[str, Mode | None]


class Deed(msgspec.Struct, frozen=True):
    """What somebody does in Drift: to whom, and with what."""

    what: Literal["delete", "make", "type", "tag", "untag"]
    number: int
    word: str


class Round(msgspec.Struct, frozen=True):
    """What happens between two looks at Drift; `breaks_off`: after how many requests the token is refused, if it is."""

    people: dict[int, Person]
    scores: dict[int, Score]
    options: Options | None
    deeds: list[Deed]
    command: Literal["sync", "full_refresh", "retry"]
    breaks_off: int | None


class History(msgspec.Struct, frozen=True):
    """What `people` matches on, whether there is a second model, and the rounds."""

    by_id: bool
    two_models: bool
    options: Options
    rounds: list[Round]


_FLAG = st.sampled_from([True, True, False, False, None])
_PEOPLE = st.builds(
    Person,
    name=st.sampled_from([None, "Ada", "Bob", "Zoë", ""]),
    plan=st.sampled_from([None, "gold", "silver"]),
    phone=st.sampled_from([None, "1", "2"]),
    tier=st.sampled_from([None, "", "Gold", "Silver", " Gold "]),
    in_m=_FLAG,
    in_a=_FLAG,
    in_r=_FLAG,
    in_x=_FLAG,
    spelling=st.integers(0, 3),
    moved=st.booleans(),
    wrong=st.sampled_from(["", "", "", "", "", "", "", "twin", "malformed", "missing"]),
)
_SCORES = st.builds(Score, score=st.none() | st.integers(0, 2), active=st.booleans(), spelling=st.integers(0, 3))
_MODE = st.sampled_from(["mirror", "mirror", "add", "remove", None])
_OPTIONS = st.builds(
    Options,
    nulls=st.sampled_from(["skip", "clear"]),
    overwrite=st.booleans(),
    create_missing=st.sampled_from([True, True, True, False]),
    on_deleted=st.sampled_from(["create", "create", "reject"]),
    modes=st.fixed_dictionaries({"M": _MODE, "A": _MODE, "R": _MODE, "X": _MODE, "tier": _MODE}),
)
_DEEDS = st.builds(
    Deed,
    what=st.sampled_from(["delete", "delete", "make", "type", "tag", "untag"]),
    number=st.sampled_from(NUMBERS),
    word=st.sampled_from(["M", "A", "R", "Gold", "Active"]),
)
_ROUNDS = st.builds(
    Round,
    people=st.dictionaries(st.sampled_from(NUMBERS), _PEOPLE),
    scores=st.dictionaries(st.sampled_from(NUMBERS), _SCORES),
    options=st.sampled_from([True, False, False]).flatmap(lambda changes: _OPTIONS if changes else st.none()),
    deeds=st.lists(_DEEDS, max_size=4),
    command=st.sampled_from(["sync", "sync", "sync", "full_refresh", "retry"]),
    breaks_off=st.sampled_from([None, None, None, 0, 3, 9]),
)
HISTORIES = st.builds(
    History,
    by_id=st.booleans(),
    two_models=st.booleans(),
    options=_OPTIONS,
    rounds=st.lists(_ROUNDS, min_size=3, max_size=5),
)
