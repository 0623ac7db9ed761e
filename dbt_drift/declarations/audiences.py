"""Audiences as a model declares them: a tag, the tags that a column names, or an attribute instead of a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from dbt_drift.declarations.attributes import STANDARD, check_attribute
from dbt_drift.declarations.definition import AudienceMode
from dbt_drift.declarations.nodes import DRIFT_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt_drift.declarations.definition import Audience
    from dbt_drift.declarations.problems import Report


class AudienceMapping(Struct, frozen=True):
    """One Drift tag, or one attribute instead of a tag, and the rows that carry it.

    Attributes:
        tag: The tag's name in Drift; for an attribute the text `<name>=true`, which users see.
        mode: ``add``, ``remove`` or ``mirror``.
        when: The boolean column that is true for members; None if every row is a member.
        key: Where it was declared, such as ``meta.drift.audiences[0]``.
        tag_from: The column that names the tags; None if the declaration names one. The declared ``tag`` is then "";
            ``sync.named_tags`` replaces the mapping by one for each tag.
        attribute: The attribute that is true for members, instead of a tag; None for a tag.
        color: The colour of a tag that is added; None lets Drift choose.
    """

    tag: str
    mode: AudienceMode
    when: str | None
    key: str
    tag_from: str | None = None
    attribute: str | None = None
    color: str | None = None

    @property
    def identity(self) -> str:
        """Identifies the audience, and differs from a tag with the same name: no tag starts with a blank."""
        return self.tag if self.attribute is None else f" {self.tag}"


def attribute_audience(attribute: str, mode: AudienceMode, when: str | None, key: str) -> AudienceMapping:
    """Return an audience that sets an attribute."""
    return AudienceMapping(f"{attribute}=true", mode, when, key, attribute=attribute)


_SOURCES = ("tag", "tag_from", "attribute")


def read_audiences(declared: Sequence[Audience], report: Report) -> tuple[AudienceMapping, ...]:
    """Return the audiences. Report those without a tag, with two sources for it, or named twice."""
    first_of: dict[tuple[bool, str], str] = {}
    audiences = []
    for index, audience in enumerate(declared):
        key = f"{DRIFT_KEY}.audiences[{index}]"
        given = {name: value for name in _SOURCES if (value := getattr(audience, name)) is not None}
        if not given:
            # A column or tag that could not be read was already reported.
            if not any(problem.key in {f"{key}.{name}" for name in _SOURCES} for problem in report.problems):
                report.add(
                    f"{key}.tag", "this key is required and missing", "Or name a column: `tag_from`, or an `attribute`."
                )
            continue
        source, name = next(iter(given.items()))
        for second in [*given][1:]:
            report.add(
                f"{key}.{second}",
                f"the audience has a `{source}` already",
                "Keep one: `tag` is a name, `tag_from` a column of names, `attribute` is in the place of a tag.",
            )
        kind = "column" if source == "tag_from" else source
        label = f"{name}=true" if source == "attribute" else name
        first = first_of.setdefault((source == "tag_from", label.casefold()), key)
        if first != key:
            report.add(
                f"{key}.{source}",
                f"the {kind} {name!r} has an audience already ({first})",
                "Keep one of them: `mirror` both adds the tag and takes it away.",
            )
        audiences.append(_audience(audience, key, report))
    return tuple(audiences)


def _audience(audience: Audience, key: str, report: Report) -> AudienceMapping:
    if audience.attribute is None:
        return AudienceMapping(
            audience.tag or "", audience.mode, audience.when, key, audience.tag_from, color=audience.color
        )
    if audience.color is not None:
        report.add(f"{key}.color", "only tags have a colour", "Leave `color` out.")
    name = check_attribute(audience.attribute, f"{key}.attribute", report)
    if name in STANDARD:
        report.add(f"{key}.attribute", f"the attribute {name!r} holds text", "Name an attribute of its own: `is_vip`.")
    return attribute_audience(name, audience.mode, audience.when, key)
