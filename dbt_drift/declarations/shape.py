"""Checks a JSON value against msgspec types, and reports every mismatch instead of only the first.

msgspec's own ``convert`` stops at the first error and cannot say which key was meant, so this module walks the types by
their description (``msgspec.inspect``). Matching parts are returned as typed values; mismatches are reported and
left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import inspect

from dbt_drift.declarations.problems import did_you_mean, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dbt_drift.declarations.problems import Report

MISFIT: Final = object()
"""What ``fit`` returns for a value without a typed form. The reason was reported."""


def fit(value: Any, kind: Any, key: str, report: Report) -> Any:
    """Return the value as the type, and report every part that does not match.

    Args:
        value: Any JSON value.
        kind: The type: a Struct, text, a Literal, a dict or a list of those, possibly ``Annotated`` or optional.
        key: The position of the value; the keys of its parts are appended to it.
        report: Receives the problems.

    Returns:
        An instance of the type without the mismatched parts: keys of a struct get their default, members of a dict are
        left out. ``MISFIT`` if the value has another shape, lacks a required key, or is a list with a mismatch.
    """
    return _fit(value, inspect.type_info(kind), key, report, {})


def at(key: str, member: str) -> str:
    """Return the key of a member: ``a.b``, or ``a['b c']`` if a dot would be misleading."""
    return f"{key}.{member}" if re.fullmatch(r"[\w-]+", member) else f"{key}[{_short(member)}]"


def _fit(value: Any, kind: inspect.Type, key: str, report: Report, extra: Mapping[str, Any]) -> Any:
    """Dispatch on the type; ``extra`` is that of the surrounding annotation (see ``definition``)."""
    if isinstance(kind, inspect.Metadata):
        return _fit(value, kind.type, key, report, kind.extra or {})
    if isinstance(kind, inspect.UnionType):
        return _fit(value, _side(value, kind), key, report, extra)
    if isinstance(kind, inspect.LiteralType):
        return _fit_choice(value, kind, key, report, extra)
    expected, shape, fit_parts = _SHAPES[type(kind)]
    # In Python, True is a number.
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        quotes = _QUOTES if shape is str and isinstance(value, (bool, int, float)) else ""
        report.add(key, f"expected {expected}, found {_describe(value)}", extra.get("hint", quotes))
        return MISFIT
    return fit_parts(value, kind, key, report)


def _side(value: Any, kind: inspect.UnionType) -> inspect.Type:
    """Return the member of a union that the value is meant for: the long form for a mapping, else the short form.

    null counts as absent, so an optional type is treated as its other member.
    """
    sides = [side for side in kind.types if not isinstance(side, inspect.NoneType)]
    long_forms = [side for side in sides if isinstance(side, inspect.StructType)]
    return long_forms[0] if long_forms and isinstance(value, dict) else sides[0]


def _fit_struct(value: dict[str, Any], kind: inspect.StructType, key: str, report: Report) -> Any:
    fields = {field.encode_name: field for field in kind.fields}
    for name in [name for name in value if name not in fields]:
        report.add(at(key, name), "there is no such key", did_you_mean(name, fields))
    fitted = {}
    complete = True
    for name, field in fields.items():
        # dbt 2 leaves null keys out of its manifest, so null must mean the same as an absent key.
        part = value.get(name)
        if part is None:
            if field.required:
                complete = False
                report.add(at(key, name), "this key is required and missing")
            continue
        part = _fit(part, field.type, at(key, name), report, {})
        if part is not MISFIT:
            fitted[field.name] = part
        elif field.required:
            complete = False
    return kind.cls(**fitted) if complete else MISFIT


def _fit_dict(value: dict[str, Any], kind: inspect.DictType, key: str, report: Report) -> Any:
    fitted = {}
    for name, part in value.items():
        name_fits = _fit(name, kind.key_type, at(key, name), report, {}) is not MISFIT
        fitted_part = _fit(part, kind.value_type, at(key, name), report, {})
        if name_fits and fitted_part is not MISFIT:
            fitted[name] = fitted_part
    return fitted


def _fit_list(value: list[Any], kind: inspect.ListType, key: str, report: Report) -> Any:
    fitted = [_fit(part, kind.item_type, f"{key}[{index}]", report, {}) for index, part in enumerate(value)]
    return MISFIT if MISFIT in fitted else fitted


def _fit_text(value: str, kind: inspect.StrType, key: str, report: Report) -> Any:
    if kind.pattern is None or re.search(kind.pattern, value):
        return value
    # Every text of the definition is a name: one line without outer blanks.
    name = " ".join(value.split())
    report.add(
        key,
        f"the name {_short(value)} has a line break or blanks around it" if name else "the name is empty",
        f"Write `{_short(name)[1:-1]}`." if name else "",
    )
    return MISFIT


def _fit_bool(value: bool, kind: inspect.BoolType, key: str, report: Report) -> bool:  # noqa: ARG001, FBT001 - one of _SHAPES
    return value


def _fit_number(value: float, kind: inspect.IntType | inspect.FloatType, key: str, report: Report) -> Any:
    if (kind.ge is None or value >= kind.ge) and (kind.le is None or value <= kind.le):
        return value
    bounds = [f"{word} {bound}" for word, bound in (("at least", kind.ge), ("at most", kind.le)) if bound is not None]
    report.add(key, f"{value} is not {' and '.join(bounds)}")
    return MISFIT


def _fit_choice(value: Any, kind: inspect.LiteralType, key: str, report: Report, extra: Mapping[str, Any]) -> Any:
    if value in kind.values:
        return value
    choices = [str(choice) for choice in kind.values]
    if not isinstance(value, str):
        report.add(key, f"expected {one_of(choices)}, found {_describe(value)}", extra.get("hint", ""))
        return MISFIT
    refused = extra.get("refused", {}).get(value.casefold())
    if refused:
        report.add(key, f"{_short(value)} {refused}")
    else:
        report.add(key, f"{_short(value)} is not offered", extra.get("hint") or did_you_mean(value, choices))
    return MISFIT


_QUOTES = "If that is a name, put it in quotes: YAML reads 2024 as a number, and yes, no, on and off as true or false."

_SHAPES: dict[type[inspect.Type], tuple[str, type | tuple[type, ...], Any]] = {
    inspect.StructType: ("a mapping", dict, _fit_struct),
    inspect.DictType: ("a mapping", dict, _fit_dict),
    inspect.ListType: ("a list", list, _fit_list),
    inspect.StrType: ("text", str, _fit_text),
    inspect.BoolType: ("true or false", bool, _fit_bool),
    inspect.IntType: ("a whole number", int, _fit_number),
    inspect.FloatType: ("a number", (int, float), _fit_number),
}


def _describe(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {_short(value)}"
    return "a mapping" if isinstance(value, dict) else "a list"


def _short(text: str) -> str:
    """Return the text as a literal, shortened to fit into a line of a message."""
    longest = 60
    return repr(text if len(text) <= longest else f"{text[: longest - 3]}...")
