# /// script
# requires-python = ">=3.10"
# ///
"""Write the seeds: what the CRM, the billing, the product and the help desk of Fernhill would have exported.

Fernhill is made up; it sells planning boards by the seat. The exports reach six days past the first day of the demo:
the models hide what has not happened yet, and ``--vars 'demo_day: 2'`` moves their clock. E-mail domains are those
that RFC 2606 reserves, phone numbers those that are reserved for fiction.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import seed_vocabulary as words
from seed_dice import Dice

DAY_ONE = date(2026, 3, 2)
LATER_DAYS = [DAY_ONE + timedelta(days=days) for days in range(1, 7)]
LAST_DAY = LATER_DAYS[-1]

ACCOUNTS, CONTACTS, EVENTS, TICKETS = 120, 500, 3000, 160

TRIAL_DAYS = 14
PLANS = {"starter": Decimal("7.50"), "team": Decimal("12.95"), "business": Decimal("24.90")}
"""What a seat costs in a month, the smallest plan first."""

Row = dict[str, Any]


@dataclass
class Account:
    """A company, and what becomes of it: ``trial``, ``expired``, ``paying`` or ``churned``."""

    row: Row
    domain: str
    fate: str
    created_on: date
    subscriptions: list[Row] = field(default_factory=list)

    @property
    def active_until(self) -> date:
        """The last day on which its people use the product."""
        return self.subscriptions[-1]["ended_on"] or LAST_DAY


def make_accounts() -> list[Account]:
    """Make the companies, still without subscriptions."""
    dice = Dice("accounts")
    accounts = []
    for number in range(ACCOUNTS):
        business, company = divmod(number, len(words.COMPANY_NAMES))
        name = f"{words.COMPANY_NAMES[company]} {words.LINES_OF_BUSINESS[business]}"
        fate = dice.pick(["paying"] * 11 + ["trial"] * 4 + ["expired"] * 3 + ["churned"] * 2)
        created_on = dice.day(date(2024, 7, 1), date(2025, 12, 20))
        if fate == "trial":
            created_on = DAY_ONE - timedelta(days=dice.between(1, TRIAL_DAYS - 1))
        row = {
            "account_id": 7001 + number,
            "account_name": words.UNUSUAL_COMPANIES[number] if number < len(words.UNUSUAL_COMPANIES) else name,
            "industry": dice.pick(words.INDUSTRIES),
            "country_code": dice.pick(words.COUNTRIES),
            "storage_bytes": dice.between(10**6, 10**12),
            "created_at": dice.moment(created_on),
        }
        domain = f"{name.lower().replace(' ', '-')}.example.{dice.pick(['com', 'org', 'net'])}"
        accounts.append(Account(row, domain, fate, created_on))
    # The first integer that a 64-bit float cannot hold.
    next(account for account in accounts if account.fate == "paying").row["storage_bytes"] = 2**53 + 1
    return accounts


def subscribe(account: Account, plan: str, seats: int, started_on: date) -> None:
    """Begin a plan of an account, and end the one that it had."""
    if account.subscriptions:
        account.subscriptions[-1]["ended_on"] = started_on
    account.subscriptions.append(
        {
            "account_id": account.row["account_id"],
            "plan_tier": plan,
            "seats": seats,
            "price_per_seat": PLANS.get(plan, Decimal("0.00")),
            "started_on": started_on,
            "trial_ends_on": started_on + timedelta(days=TRIAL_DAYS) if plan == "trial" else None,
            "ended_on": None,
            "cancellation_reason": None,
        }
    )


def upgrade(account: Account, on: date) -> None:
    """Move an account to the next plan, with more seats."""
    current = account.subscriptions[-1]
    plans = list(PLANS)
    plan = plans[min(plans.index(current["plan_tier"]) + 1, len(plans) - 1)]
    subscribe(account, plan, current["seats"] + 5, on)


def cancel(account: Account, on: date, reason: str) -> None:
    """End the plan of an account with nothing behind it."""
    account.subscriptions[-1].update(ended_on=on, cancellation_reason=reason)


def make_subscriptions(accounts: list[Account]) -> list[Row]:
    """Give each account its history; each later day has two upgrades and one cancellation, besides trials that end."""
    dice = Dice("subscriptions")
    for account in accounts:
        subscribe(account, "trial", 5, account.created_on)
        trial_end = account.subscriptions[-1]["trial_ends_on"]
        if account.fate == "expired" or (account.fate == "trial" and dice.chance(0.5)):
            account.subscriptions[-1]["ended_on"] = trial_end
            continue
        subscribe(account, dice.pick(["starter", "team"]), dice.between(3, 60), trial_end)
        if account.fate == "paying" and dice.chance(0.4):
            upgrade(account, dice.day(trial_end + timedelta(days=30), date(2026, 2, 20)))
        if account.fate == "churned":
            last = date(2026, 2, 27)
            cancel(account, dice.day(trial_end + timedelta(days=30), last), dice.pick(words.CANCELLATION_REASONS))
    paying = iter([account for account in accounts if account.fate == "paying"])
    for day in LATER_DAYS:
        upgrade(next(paying), day)
        upgrade(next(paying), day)
        cancel(next(paying), day, dice.pick(words.CANCELLATION_REASONS))
    rows = [row for account in accounts for row in account.subscriptions]
    rows.sort(key=lambda row: (row["started_on"], row["account_id"]))
    return numbered("subscription_id", 31001, rows)


def make_invoices(subscriptions: list[Row]) -> list[Row]:
    """Bill each paid plan every 30 days; a few invoices stay open, and some who cancel get half a month back."""
    dice = Dice("invoices")
    rows = []
    for plan in (row for row in subscriptions if row["plan_tier"] != "trial"):
        amount = plan["price_per_seat"] * plan["seats"]
        until = plan["ended_on"] or LAST_DAY
        for days in range(0, (until - plan["started_on"]).days + 1, 30):
            issued_on = plan["started_on"] + timedelta(days=days)
            paid_at = None if dice.chance(0.04) else dice.moment(issued_on + timedelta(days=dice.between(0, 20)))
            rows.append(invoice(plan, amount, issued_on, paid_at))
        if plan["cancellation_reason"] and dice.chance(0.5):
            rows.append(invoice(plan, -amount / 2, until, dice.moment(until)))
    rows.sort(key=lambda row: (row["issued_on"], row["account_id"]))
    return numbered("invoice_id", 880001, rows)


def invoice(plan: Row, amount: Decimal, issued_on: date, paid_at: datetime | None) -> Row:
    """Return one invoice; a negative amount was paid back."""
    amount = amount.quantize(Decimal("0.01"))
    return {"account_id": plan["account_id"], "amount": amount, "issued_on": issued_on, "paid_at": paid_at}


def make_contacts(accounts: list[Account]) -> list[Row]:
    """Make the awkward people, three sign-ups on each later day, and for the rest people with or without a company."""
    dice = Dice("contacts")
    loyal = [account for account in accounts if account.fate == "paying" and account.active_until == LAST_DAY]
    awkward = [
        contact(dice, loyal[-1 - number], date(2026, 1, 15)) | case
        for number, case in enumerate(words.AWKWARD_CONTACTS)
    ]
    rows = [contact(dice, dice.pick(loyal), day) for day in LATER_DAYS for _ in range(3)]
    while len(awkward) + len(rows) < CONTACTS:
        account = None if dice.chance(0.05) else dice.pick(accounts)
        first, last = (account.created_on, account.active_until) if account else (date(2025, 6, 1), LAST_DAY)
        rows.append(contact(dice, account, dice.day(first, min(last, DAY_ONE - timedelta(days=1)))))
    used: set[str] = set()
    for row in rows:
        user, domain = row["email"].split("@")
        while row["email"] in used:
            row["email"] = f"{user}{dice.between(2, 99)}@{domain}"
        used.add(row["email"])
    # On each later day somebody of one company is deleted.
    ids_of_loyal = [account.row["account_id"] for account in loyal]
    long_known = [row for row in rows[len(LATER_DAYS) * 3 :] if row["account_id"] in ids_of_loyal]
    for row, day in zip(long_known, LATER_DAYS, strict=False):
        row["deleted_at"] = dice.moment(day)
    return numbered("contact_id", 48_000_000_001, sorted(awkward + rows, key=lambda row: row["created_at"]))


def contact(dice: Dice, account: Account | None, created_on: date) -> Row:
    """Return a person of a company, or one who only reads the newsletter."""
    name = f"{dice.pick(words.GIVEN_NAMES)} {dice.pick(words.FAMILY_NAMES)}"
    user = plain_letters(name).replace(" ", ".")
    if dice.chance(0.06):
        name, user = dice.pick([*words.NAMES_IN_OTHER_SCRIPTS.items()])
    topics = [topic for topic in words.NEWSLETTER_TOPICS if dice.chance(0.4)]
    return {
        "account_id": account.row["account_id"] if account else None,
        "email": f"{user}@{account.domain if account else 'example.org'}",
        "full_name": name,
        "phone": dice.pick([f"+1 202-555-0{dice.between(100, 199)}", f"+44 20 7946 0{dice.between(100, 999)}", None]),
        "job_title": dice.pick(words.JOB_TITLES),
        "marketing_opt_in": dice.pick([True, True, False, None]) if account else True,
        "newsletter_topics": json.dumps(topics) if topics else None,
        "created_at": dice.moment(created_on),
        "deleted_at": None,
    }


def plain_letters(name: str) -> str:
    """Return ``soren weiss`` for Søren Weiß."""
    for letter, plain in words.LATIN_LETTERS.items():
        name = name.lower().replace(letter, plain)
    return re.sub("[^a-z ]", "", unicodedata.normalize("NFKD", name))


def make_events(accounts: list[Account], contacts: list[Row]) -> list[Row]:
    """Let the people of active companies use the product, the first ones of the list the most."""
    dice = Dice("events")
    account_of = {account.row["account_id"]: account for account in accounts}
    people = [row for row in contacts if row["account_id"] and not row["deleted_at"]]
    rows: list[Row] = []
    while len(rows) < EVENTS:
        person = people[min(dice.between(0, len(people) - 1), dice.between(0, len(people) - 1))]
        first = max(person["created_at"].date() + timedelta(days=1), date(2026, 1, 1))
        last = account_of[person["account_id"]].active_until
        if first > last:
            continue
        properties = {"source": dice.pick(["web", "ios", "android"]), "board": dice.between(1, 40)}
        rows.append(
            {
                "contact_id": person["contact_id"],
                "event_name": dice.pick(words.EVENT_NAMES),
                "occurred_at": dice.moment(dice.day(first, last)),
                "properties": json.dumps(properties),
            }
        )
    rows.sort(key=lambda row: (row["occurred_at"], row["contact_id"]))
    return numbered("event_id", 7_290_000_000_000_000_001, rows)


def make_tickets(contacts: list[Row]) -> list[Row]:
    """Let people ask the help desk; most get an answer, and half of those rate it."""
    dice = Dice("tickets")
    rows = []
    for _ in range(TICKETS):
        person = dice.pick(contacts)
        opened_at = dice.moment(dice.day(max(person["created_at"].date(), date(2025, 11, 1)), LAST_DAY))
        solved_at = opened_at + timedelta(minutes=dice.between(5, 20_000)) if dice.chance(0.85) else None
        rows.append(
            {
                "contact_id": person["contact_id"],
                "subject": dice.pick(words.TICKET_SUBJECTS),
                "priority": dice.pick(["low", "normal", "normal", "urgent"]),
                "opened_at": opened_at,
                "solved_at": solved_at,
                "satisfaction": dice.between(1, 5) if solved_at and dice.chance(0.5) else None,
            }
        )
    rows.sort(key=lambda row: row["opened_at"])
    return numbered("ticket_id", 5001, rows)


def numbered(key: str, first: int, rows: list[Row]) -> list[Row]:
    """Return the rows with ascending keys in front."""
    return [{key: number, **row} for number, row in enumerate(rows, first)]


def as_csv(value: Any) -> str:
    """Return a value as the seeds spell it: nothing for a null, true and false, times in UTC to the millisecond."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    return str(value)


def main(directory: Path) -> None:
    """Write one CSV file for each table."""
    accounts = make_accounts()
    subscriptions = make_subscriptions(accounts)
    contacts = make_contacts(accounts)
    tables = {
        "raw_crm__accounts": [account.row for account in accounts],
        "raw_crm__contacts": contacts,
        "raw_billing__subscriptions": subscriptions,
        "raw_billing__invoices": make_invoices(subscriptions),
        "raw_product__events": make_events(accounts, contacts),
        "raw_support__tickets": make_tickets(contacts),
    }
    for name, rows in tables.items():
        with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(rows[0])
            writer.writerows([as_csv(value) for value in row.values()] for row in rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "seeds")
