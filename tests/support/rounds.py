"""Histories of models, of their declarations and of what people do in Drift, each sync held against the reference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from hypothesis import Phase, given, seed, settings

from dbt_drift.delivery.plan import make_plans
from dbt_drift.sandbox.behaviour import Fault
from tests.support.harness import TOKEN
from tests.support.histories import HISTORIES, OWN, SPELLINGS, Deed, History, Person, Round
from tests.support.reference.shapes import Audience, Contact, Declaration, Field, Mode, Row
from tests.support.reference.world import World, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dbt_drift.delivery.results import SyncResult
    from tests.support.harness import Bench


def hold(bench: Bench, examples: int, number: int) -> None:
    """Play histories, and hold all that is counted and all that Drift holds against the reference.

    Args:
        bench: Where they are played.
        examples: How many.
        number: What they are drawn by.
    """
    bench.sandbox.change(nulls="clear")
    drawn = iter(range(10**6))

    @seed(number)
    @settings(max_examples=examples, database=None, phases=[Phase.generate])
    @given(history=HISTORIES)
    def play(history: History) -> None:
        _Stage(bench, history, f"w{next(drawn)}").play()

    play()


class _Stage:
    """One history, with a Drift and a ledger of its own."""

    def __init__(self, bench: Bench, history: History, world: str) -> None:
        self._bench = bench
        self._history = history
        self._world = world
        self._reference = World()
        self._options = history.options
        self._rows: dict[str, list[Row]] = {}
        bench.sandbox.reset("contacts")
        bench.warehouse.execute(f"drop schema if exists {bench.ledger} cascade")
        bench.table("people", f"select {_nulls(_PEOPLE_COLUMNS)} where false")
        bench.table("scores", f"select {_nulls(_SCORE_COLUMNS)} where false")

    def play(self) -> None:
        for one in self._history.rounds:
            self._options = one.options or self._options
            self._declare()
            self._write(one)
            for deed in one.deeds:
                self._do(deed)
            options: dict[str, bool] = {} if one.command == "sync" else {one.command: True}
            if one.breaks_off is not None and self._options.create_missing:
                self._break_off(one.breaks_off, options)
            else:
                self._compare_plans()
                self._compare_results(options)
                self._settle()
            self._look()

    def _compare_plans(self) -> None:
        self._bench.forget_project()
        plans = {plan.name: plan for plan in make_plans(self._bench.prepared, rows=0)}
        assert list(plans) == list(self._rows)
        for model, rows in self._rows.items():
            counts, expected = plans[model].counts, msgspec.structs.asdict(self._reference.sync_of(model).plan(rows))
            _compare(f"plan of {model}", {name: getattr(counts, name) for name in expected}, expected)

    def _compare_results(self, options: dict[str, bool]) -> int:
        """Sync, as the reference does; returns how many contacts were sent that are not tried in vain."""
        sent = 0
        for result in self._run(**options):
            rows, sync = self._rows[result.name], self._reference.sync_of(result.name)
            planned = sync.plan(rows)
            done = sync.sync(rows, **options)
            counted = {
                **msgspec.structs.asdict(result.rows),
                **msgspec.structs.asdict(result.contacts),
                "reasons": result.reasons,
                "status": result.status,
            }
            expected = {**msgspec.structs.asdict(done), "status": done.status, "read": len(rows), "unfinished": 0}
            expected |= {"invalid": planned.invalid.total()}
            if not options:
                expected |= {
                    "unchanged": planned.unchanged,
                    "given_up": planned.given_up.total() - planned.given_up["no_contact"],
                }
                assert planned.sendable or not result.requests, f"{result.requests} requests of {result.name}"
            _compare(f"sync of {result.name}", counted, expected)
            sent += done.sent + done.departed
        return sent

    def _settle(self) -> None:
        """Sync again: nothing is sent, but to contacts that another model has found deleted in the run before."""
        for _ in range(3):
            if not self._compare_results({}):
                return
        raise AssertionError("something is sent again and again")

    def _break_off(self, after: int, options: dict[str, bool]) -> None:
        """Let a run break off: only what is held in the end is certain, not which run has done what."""
        self._bench.sandbox.change(faults=[Fault(status=401, skip=after)])
        self._run(**options)
        self._bench.sandbox.change(faults=[])
        for _ in range(4):
            results = self._run()
            assert {result.status for result in results} <= {"success", "warn"}
            for model, rows in self._rows.items():
                self._reference.sync_of(model).sync(rows, **options)
            options = {}
        assert sum(result.requests for result in results) == 0

    def _run(self, **options: bool) -> list[SyncResult]:
        self._bench.forget_project()
        return self._bench.run(None, max_removals=math.inf, **options).results

    def _look(self) -> None:
        found = [
            Contact({name: value for name, value in one.attributes.items() if name not in OWN}, set(one.tags))
            for one in self._bench.sandbox.contacts()
        ]
        held, expected = shown(found), shown(self._reference.contacts)
        wrong = [one for one in held if one not in expected], [one for one in expected if one not in held]
        assert held == expected, f"Drift holds, and should hold: {wrong}"

    def _declare(self) -> None:
        options = self._options
        fields = {
            "email": Field("email"),
            "name": Field("name"),
            "plan": Field("plan", nulls=options.nulls),
            "phone": Field("phone", overwrite=options.overwrite),
        }
        if self._history.by_id:
            fields["externalId"] = Field("id")
        declared = Declaration(
            fields,
            tuple(audience(mode) for name, audience in _AUDIENCES.items() if (mode := options.modes[name])),
            "externalId" if self._history.by_id else "email",
            options.create_missing,
            options.on_deleted,
        )
        self._reference.sync_of("people").declaration = declared
        self._bench.declare("people", declared.declared())
        if self._history.two_models:
            active = Audience("mirror", "active", tag="Active")
            declared = Declaration({"email": Field("email"), "score": Field("score")}, (active,))
            self._reference.sync_of("scores").declaration = declared
            self._bench.declare("scores", declared.declared())
        else:
            self._bench.declare("scores", UNDECLARED)

    def _write(self, one: Round) -> None:
        self._rows = {"people": []}
        for number, person in one.people.items():
            row = self._row(number, person)
            self._rows["people"] += [row] * (2 if person.wrong == "twin" else 1)
        self._insert("people", _PEOPLE_COLUMNS)
        if self._history.two_models:
            self._rows["scores"] = [
                {"email": SPELLINGS[score.spelling](self._email(number)), "score": score.score, "active": score.active}
                for number, score in one.scores.items()
            ]
            self._insert("scores", _SCORE_COLUMNS)

    def _row(self, number: int, person: Person) -> Row:
        row = {name: value for name, value in msgspec.structs.asdict(person).items() if name in _PEOPLE_COLUMNS}
        moves = person.moved and self._history.by_id and not self._history.two_models
        email = SPELLINGS[person.spelling](self._email(number, ".moved" if moves else ""))
        if person.wrong == "malformed":
            email = f"nobody{number}"
        row |= {"email": email, "id": f"{self._world}-{number}"}
        if person.wrong == "missing":
            row["id" if self._history.by_id else "email"] = None
        return row

    def _insert(self, model: str, columns: dict[str, str]) -> None:
        values = ", ".join(f"({', '.join(_literal(row[name]) for name in columns)})" for row in self._rows[model])
        self._bench.execute(f"delete from $.{model}" + (f"; insert into $.{model} values {values}" if values else ""))

    def _email(self, number: int, kind: str = "") -> str:
        return f"{self._world}p{number}{kind}@example.com"

    def _do(self, deed: Deed) -> None:
        """Let somebody do something in Drift."""
        beginnings = tuple(f"{self._world}p{deed.number}{end}" for end in "@.")
        theirs = [one for one in self._bench.sandbox.contacts() if str(one.email).lower().startswith(beginnings)]
        ours = [one for one in self._reference.contacts if one.email.startswith(beginnings)]
        assert len(theirs) == len(ours)
        if deed.what == "make" and not theirs:
            made: dict[str, Any] = {"email": self._email(deed.number), "name": "Typed"}
            if self._history.by_id and not self._history.two_models and deed.word == "A":
                made = {"email": self._email(deed.number, ".old"), "externalId": f"{self._world}-{deed.number}"}
            self._bench.sandbox.seed([{**made, "tags": [deed.word]}])
            self._reference.contacts.append(Contact(made, {deed.word}))
        for their, our in zip(theirs, ours, strict=True):
            self._do_to(deed, their.id, our)

    def _do_to(self, deed: Deed, number: int, contact: Contact) -> None:
        path = f"/contacts/{number}"
        if deed.what == "delete":
            self._ask("DELETE", path)
            self._reference.contacts = [one for one in self._reference.contacts if one is not contact]
        elif deed.what == "type":
            typed = {_TYPED.get(deed.word, "plan"): "Typed"}
            self._ask("PATCH", path, {"attributes": typed})
            contact.attributes |= typed
        elif deed.what == "tag":
            self._ask("POST", f"{path}/tags", [{"name": deed.word}])
            contact.tags.add(deed.word)
        elif deed.what == "untag":
            self._ask("POST", f"{path}/tags/delete/_bulk", [deed.word])
            contact.tags.discard(deed.word)

    def _ask(self, method: str, path: str, body: Any = None) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.request(method, f"{self._bench.sandbox.url}{path}", json=body, headers=headers, timeout=60)
        assert answer.ok, answer.text


UNDECLARED = False
_TEXT, _YES_NO = "varchar(40)", "boolean"
_PEOPLE_COLUMNS = {
    **dict.fromkeys(("email", "id", "name", "plan", "phone", "tier"), _TEXT),
    **dict.fromkeys(("in_m", "in_a", "in_r", "in_x"), _YES_NO),
}
_SCORE_COLUMNS = {"email": _TEXT, "score": "bigint", "active": _YES_NO}
_AUDIENCES: dict[str, Callable[[Mode], Audience]] = {
    "M": lambda mode: Audience(mode, "in_m", tag="M"),
    "A": lambda mode: Audience(mode, "in_a", tag="A"),
    "R": lambda mode: Audience(mode, "in_r", tag="R"),
    "X": lambda mode: Audience(mode, "in_x", attribute="is_x"),
    "tier": lambda mode: Audience(mode, tag_from="tier"),
}
_TYPED = {"M": "name", "R": "phone"}


def _compare(what: str, counted: dict[str, Any], expected: dict[str, Any]) -> None:
    wrong = {name: (counted[name], count) for name, count in expected.items() if _plain(counted[name]) != _plain(count)}
    assert not wrong, f"{what}: counted, and expected: {wrong}"


def _plain(count: Any) -> Any:
    """A count, or counts by name, those that are zero left out."""
    return {name: number for name, number in count.items() if number} if isinstance(count, dict) else count


def _nulls(columns: dict[str, str]) -> str:
    return ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())


def _literal(value: object) -> str:
    if value is None:
        return "null"
    return f"'{value}'" if isinstance(value, str) else str(value).lower()
