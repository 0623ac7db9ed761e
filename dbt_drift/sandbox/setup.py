"""The initial state of a sandbox, read from a file: switches, tokens, organisations and their contacts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from dbt_drift.errors import ConfigurationError
from dbt_drift.sandbox.behaviour import Behaviour
from dbt_drift.sandbox.calls.attributes import Attribute
from dbt_drift.sandbox.calls.call import is_deep
from dbt_drift.sandbox.calls.grants import App
from dbt_drift.sandbox.calls.store import OrganisationId
from dbt_drift.sandbox.calls.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike


class OrganisationSetup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation and its initial data.

    Attributes:
        id: Its id; None for the default organisation, which tokens without one belong to.
        rate_limit: Requests per window for this organisation alone; None for the switch `rate_limit`.
        attributes: Its attributes, in addition to the standard ones.
        contacts: The attributes of each contact. `tags` holds names, or objects of `name` and `color`. They are added
            only while the organisation has no contacts, so that a sandbox with a data file adds them once.
    """

    id: OrganisationId | None = None
    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    attributes: tuple[Attribute, ...] = ()
    contacts: tuple[dict[str, Any], ...] = ()


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The initial state of a sandbox, restored by a reset.

    Attributes:
        behaviour: The switches.
        tokens: The known tokens.
        apps: The apps that may sign users in; if empty, any app may.
        organisations: The organisations and their data.
    """

    behaviour: Behaviour = Behaviour()
    tokens: tuple[Token, ...] = ()
    apps: tuple[App, ...] = ()
    organisations: tuple[OrganisationSetup, ...] = ()


def read_setup(path: str | PathLike[str] | None, switches: Iterable[str] = ()) -> Setup:
    """Read the initial state of a sandbox.

    Args:
        path: A YAML or JSON file; None for none.
        switches: Switches that override those of the file: `name=value`, with the value as JSON or as plain text.

    Raises:
        ConfigurationError: The file cannot be read, or the file or a switch has an invalid value.
    """
    setup = Setup() if path is None else _read_file(path)
    return msgspec.structs.replace(setup, behaviour=setup.behaviour.changed(_read_switches(switches)))


def _read_file(path: str | PathLike[str]) -> Setup:
    try:
        document = _parse(Path(path).read_bytes())
        is_too_deep = is_deep(document)
    except OSError as error:
        raise ConfigurationError(f"The sandbox cannot read {path}: {error.strerror or error}.") from error
    except RecursionError:
        is_too_deep = True
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no YAML: {error}") from error
    if is_too_deep:
        raise ConfigurationError(f"{path} is nested too deeply.")
    document = document or {}
    switches = document.pop("behaviour", None) or {} if isinstance(document, dict) else {}
    try:
        # YAML has dates, but JSON and so Drift do not: they become text.
        setup = msgspec.convert(msgspec.to_builtins(document), Setup)
        switches = msgspec.convert(switches, dict[str, Any])
        return msgspec.structs.replace(setup, behaviour=Behaviour().changed(switches))
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigurationError(f"{path} does not describe a sandbox: {error}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.args[0]}", advice=error.advice) from error


def _parse(content: bytes) -> Any:
    # JSON reads thousands of contacts at once; YAML needs seconds, even with its parser in C.
    if content.lstrip().startswith((b"{", b"[")):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            return msgspec.json.decode(content)
    return yaml.load(content.decode("utf-8"), Loader=_YAML_LOADER)  # noqa: S506 - both are safe


_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _read_switches(given: Iterable[str]) -> dict[str, object]:
    switches: dict[str, object] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigurationError(f"{text!r} is no switch.", advice="Write name=value, such as nulls=clear.")
        try:
            switches[name.strip()] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            switches[name.strip()] = value
    return switches
