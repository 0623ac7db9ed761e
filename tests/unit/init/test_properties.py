from __future__ import annotations

import difflib

import pytest
import yaml

from dbt_drift.errors import ConfigurationError
from dbt_drift.init.properties import Version, new_file, with_declaration
from dbt_drift.init.proposal import Audience, Proposal

PROPOSAL = Proposal(
    fields={"email": "email", "name": "full name: ½"}, others=("plan", "yes"), audiences=(Audience("VIP", "is_vip"),)
)

WITHOUT_CONFIG = """\
# About people. äöü
version: 2

models:
    -   name:   "people"   # quoted
        # said of the next key
        description: >
            Folded,
            twice.

            # no comment
        columns:
            - {name: email, data_tests: [unique]}   # flow
            - name: 'full name: ½'
        meta: {at_the_top: 1}


  # the end
"""

BOTH = """\
models:
- name: orders
  description: &shared "{{ doc('orders') }}"
- description: *shared
  name: people
  config:
    # of the next key
    enabled: "{{ var('people', true) }}"
    meta:   # owners
      # a first comment
      owner: 'crm'

  latest_version: 2
- name: people_too
"""

VERSIONS = """\
models:
  - name: people
    latest_version: 2
    versions:
      - v: 1
      - v: 2
        config:
          alias: people
"""

ADDED = """\
        config:
            meta:
                drift:
                    match_on: email
                    fields:
                        email: email
                        name: 'full name: ½'
                        # plan: plan
                        # 'yes': 'yes'
                    # audiences:
                    #     - tag: VIP
                    #       mode: mirror
                    #       when: is_vip
"""

FILES = {
    "comments, odd indentation, quotes": WITHOUT_CONFIG,
    "meta is there, anchors elsewhere, two models": BOTH,
    "config without meta": BOTH.replace("    meta:   # owners\n      # a first comment\n      owner: 'crm'\n", ""),
    "config is empty": "models:\n  - name: people\n    config:   # later\n    docs: {show: true}\n",
    "meta is empty": "models:\n  - name: people\n    config:\n       meta:\n    # end\n",
    "windows": BOTH.replace("\n", "\r\n"),
    "no last line end": "models:\n  - name: people",
    "byte order mark": "\ufeffmodels:\n  - name: people\n",
    "many others": "sources: []\nmodels:\n  - name: a\n  - name: people\n  - name: b\nseeds: []\n",
}
IN_BRACES = {
    "config": ("models:\n  - name: people\n    config: {alias: x, tags: [a]}  # c\n", "{alias: x, tags: [a]}"),
    "empty config": ("models:\n  - name: people\n    config: {}\n", "{}"),
    "config and meta": ("models:\n  - name: people\n    config: {meta: { owner: me }}\n", "{ owner: me }"),
    "meta": ("models:\n  - name: people\n    config:\n      meta: { owner: me }\n", "{ owner: me }"),
    "everything": ("models: [{name: people}]\n", "{name: people}"),
}


def added(before: str, after: str) -> list[str]:
    """Return the lines that are new, each with its end; no other may differ in a byte."""
    lines = list(difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True)))
    assert not [line for line in lines if line.startswith(("- ", "? "))]
    return [line[2:] for line in lines if line.startswith("+ ")]


def declared(content: str, version: Version | None = None) -> object:
    entry = next(one for one in yaml.safe_load(content)["models"] if one["name"] == "people")
    if version is not None:
        entry = next(one for one in entry["versions"] if one["v"] == version)
    return entry["config"]["meta"]["drift"]


@pytest.mark.parametrize("before", FILES.values(), ids=FILES)
def test_only_lines_are_added(before: str) -> None:
    after = with_declaration(before, "people", None, PROPOSAL)

    # What had no line end has one now: that line is the only other one that may differ.
    lines = added(before + "\n" if before[-1] != "\n" else before, after + "\n" if after[-1] != "\n" else after)
    assert declared(after) == {"match_on": "email", "fields": {"email": "email", "name": "full name: ½"}}
    assert len(lines) in {11, 12, 13}
    assert {line.endswith("\r\n") for line in lines} == {"\r\n" in before}


def test_the_lines_stand_below_the_name_indented_as_the_file_is() -> None:
    after = with_declaration(WITHOUT_CONFIG, "people", None, PROPOSAL)

    first, second, *rest = WITHOUT_CONFIG.partition("# quoted\n")
    assert after == first + second + ADDED + "".join(rest)


def test_the_lines_stand_below_a_meta_that_is_there() -> None:
    lines = added(BOTH, with_declaration(BOTH, "people", None, PROPOSAL))

    assert lines[:2] == ["      drift:\n", "        match_on: email\n"]
    assert "".join(lines) in with_declaration(BOTH, "people", None, PROPOSAL).partition("meta:   # owners\n")[2]


@pytest.mark.parametrize("version", [1, 2])
def test_of_a_versioned_model_one_version_is_declared(version: int) -> None:
    after = with_declaration(VERSIONS, "people", version, PROPOSAL)

    assert len(added(VERSIONS, after)) == (13 if version == 1 else 12)
    assert declared(after, version) == PROPOSAL.declaration
    assert after.count("drift:") == 1


@pytest.mark.parametrize(("before", "braces"), IN_BRACES.values(), ids=IN_BRACES)
def test_in_braces_it_stands_first(before: str, braces: str) -> None:
    after = with_declaration(before, "people", None, PROPOSAL)

    at = before.index(braces) + 1
    assert (after[:at], after.endswith(before[at:])) == (before[:at], True)
    assert declared(after) == PROPOSAL.declaration


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("models:\n  - name: a\n    config: &c {tags: []}\n  - name: people\n    config: *c\n", "alias"),
        ("models:\n  - name: people\n    config: &c\n      tags: []\n  - name: b\n    config: *c\n", "anchor"),
        ("x: &m {meta: {owner: me}}\nmodels:\n  - name: people\n    config:\n      <<: *m\n", "merge key"),
        ("models:\n  - name: persons\n", "no entry under `models:` that is called 'people'"),
        ("seeds:\n  - name: people\n", "no entry"),
        ("models:\n  - name: people\n\tx: 1\n", "no YAML that can be read"),
        ("", "no entry"),
    ],
)
def test_what_would_change_something_else_is_refused(content: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        with_declaration(content, "people", None, PROPOSAL)


def test_a_new_file_has_one_model() -> None:
    document = yaml.safe_load(new_file("people", PROPOSAL))
    drift = PROPOSAL.declaration
    assert document == {"version": 2, "models": [{"name": "people", "config": {"meta": {"drift": drift}}}]}
