"""The names, words and awkward people that the seeds are made of."""  # noqa: INP001 - a dbt project is no package

from __future__ import annotations

from typing import Any

_words = str.split

GIVEN_NAMES = _words("""
    Ada Amélie Ben Björn Chloé Clara David Émile Esra Freya Greta Hugo Inês Jakob José Kacper Lea Liam Maëlle Marta
    Mia Nils Noah Olga Paul Rosa Sean Søren Tom Zoë
""")
FAMILY_NAMES = _words("""
    Andersen Baker Brandão D'Angelo Dubois Evans Fischer García Hansen Ivers Jiménez Kowalska Lindqvist Łukasik
    Martin Müller Núñez O'Brien Okafor Petrov Quinn Rossi Smith Şahin Tanaka Vogel Weiß Yıldız
""")  # noqa: RUF001 - a Turkish name has a dotless i
LATIN_LETTERS = {"ß": "ss", "ø": "o", "ł": "l", "ı": "i"}  # noqa: RUF001 - as above
"""The letters of these names that Unicode does not take apart into a plain one and an accent."""

NAMES_IN_OTHER_SCRIPTS = {
    "Ελένη Παπαδοπούλου": "eleni.papadopoulou",
    "Дмитрий Соколов": "dmitry.sokolov",
    "Олена Шевченко": "olena.shevchenko",
    "محمد العلي": "mohammed.alali",
    "נועה כהן": "noa.cohen",
    "प्रिया शर्मा": "priya.sharma",
    "佐藤 美咲": "misaki.sato",
    "王小明": "wang.xiaoming",
    "김민준": "minjun.kim",
    "Nguyễn Thị Ánh": "anh.nguyen",
}
"""Each with what stands before the @."""

COMPANY_NAMES = _words("""
    Alder Brightwater Castell Dunmore Elmgrove Foxley Granite Harbour Ironbridge Juniper Kestrel Larkfield
""")
LINES_OF_BUSINESS = _words("""
    Logistics Dental Studios Foods Legal Robotics Travel Energy Press Gardens
""")
UNUSUAL_COMPANIES = ["O'Hara & Söhne", "株式会社みどり", "Кофейня №1", 'The "Blue" Door, Inc.']

COUNTRIES = ["US", "US", "GB", "DE", "FR", "ES", "PL", "JP", "BR", "TR"]
INDUSTRIES = ["software", "retail", "health care", "logistics", "education", "media"]
JOB_TITLES = ["Operations manager", "Founder", "Designer", "Head of delivery", "Chef de projet", "(none)", None]
NEWSLETTER_TOPICS = ["release notes", "webinars", "customer stories", "prices & offers"]
EVENT_NAMES = ["signed_in", "board_viewed", "board_created", "card_moved", "comment_added", "export_downloaded"]
CANCELLATION_REASONS = ["too expensive", "missing features", "went out of business", "switched to a competitor"]
TICKET_SUBJECTS = ["Can't sign in", "Invoice question", "Export is empty", 'What does "archived" mean?', "Größe, Maße"]

AWKWARD_CONTACTS: list[dict[str, Any]] = [
    # These five cannot be sent: two share an address, one has none, two have none that could receive mail.
    {"full_name": "Dana Kim", "email": "dana.kim@example.org"},
    {"full_name": "Dana Kim (old)", "email": "Dana.Kim@Example.org"},
    {"full_name": "Walk-in, no card", "email": None},
    {"full_name": "Priya Raman", "email": "priya.raman(at)example.com"},
    {"full_name": "Meeting room 2", "email": "room-2@localhost"},
    # These look as if something were wrong with them.
    {"full_name": "Margaret O'Hare", "email": "  Margaret.OHARE@Example.com "},
    {"full_name": 'Bartholomew "Bart" O\'Neill \\ Partners', "email": "bart+board@example.net"},
    {"full_name": "Ana 🌱 Sousa", "email": "ana.sousa@example.com"},
    {"full_name": None, "email": "front-desk@example.org"},
]
