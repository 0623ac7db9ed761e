"""What a text from outside may hold, and what is left of it in print."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from dbt_drift.escaping import escaped, escaped_json, escaped_lines

DANGEROUS = {"Cc", "Zl", "Zp", "Cs"}
REORDERING = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u061c\u200e\u200f"


def does_more_than_be_read(letter: str) -> bool:
    category, direction = unicodedata.category(letter), unicodedata.bidirectional(letter)
    return category in DANGEROUS or direction in REORDERING or letter in MARKS


def test_every_letter_that_does_more_than_be_read_is_escaped() -> None:
    letters = [chr(code) for code in range(sys.maxunicode + 1)]
    left = [letter for letter in letters if does_more_than_be_read(letter) and escaped(letter) == letter]
    assert left == []


@pytest.mark.parametrize(
    "text", ["Ada", "Ünï@bücher.example", "漢字 🎉", "a\\nb", "a # b ## c", "a::b", "العربية", "1 ##"]
)
def test_what_can_be_read_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text
    assert json.loads(escaped_json(json.dumps(text, ensure_ascii=False).encode())) == text


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("  ::error::x", "  \\x3a:error::x"),
        ("\u00a0::error::x", "\u00a0\\x3a:error::x"),
        ("a ##[error]x", "a \\x23#[error]x"),
        ("###[error]x", "#\\x23#[error]x"),
        ("##vso[task.complete]", "\\x23#vso[task.complete]"),
    ],
)
def test_commands_of_ci_systems_are_text(text: str, printed: str) -> None:
    assert escaped(text) == escaped_lines(text) == printed


def test_only_line_ends_of_ours_are_left() -> None:
    assert escaped_lines("a\nb\r\n\u2028c") == "a\nb\\r\n\\u2028c"


def test_a_document_stays_the_same_document() -> None:
    document = {"a\x9b": ["\u202e\u2029\x7f ##[error]x", 1.50, None], "b": "\x1b\n"}
    text = escaped_json(json.dumps(document, ensure_ascii=False, indent=2).encode())
    assert json.loads(text) == document
    assert not [letter for letter in text if does_more_than_be_read(letter) and letter != "\n"]
    assert "##[" not in text
