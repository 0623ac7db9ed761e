"""What a sandbox starts with, read from a file: switches, tokens, organisations and who is in them."""

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
    """An organisation and what it holds at the start.

    Attributes:
        id: Its id; None for the default organisation, that of tokens that name none.
        rate_limit: Requests in one window, for this organisation alone; None for the switch `rate_limit`.
        attributes: Its attributes, besides the standard ones.
        contacts: The attributes of each contact, among them `tags`: names, or objects of `name` and `color`. They are
            added only while the organisation holds no contact, so that a sandbox with a data file adds them once.
    """

    id: OrganisationId | None = None
    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    attributes: tuple[Attribute, ...] = ()
    contacts: tuple[dict[str, Any], ...] = ()


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a sandbox starts with, and goes back to when it is reset.

    Attributes:
        behaviour: The switches.
        tokens: The tokens to know.
        apps: The apps that may sign users in; with none, any app may.
        organisations: The organisations and what they hold.
    """

    behaviour: Behaviour = Behaviour()
    tokens: tuple[Token, ...] = ()
    apps: tuple[App, ...] = ()
    organisations: tuple[OrganisationSetup, ...] = ()


def read_setup(path: str | PathLike[str] | None, switches: Iterable[str] = ()) -> Setup:
    """Read what a sandbox starts with.

    Args:
        path: A YAML or JSON file; None for none.
        switches: Switches that go before those of the file: `name=value`, the value as JSON or as plain text.

    Raises:
        ConfigurationError: The file cannot be read, or it or a switch says something that no sandbox can do.
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
        # YAML knows dates, JSON and so Drift do not: they become text.
        setup = msgspec.convert(msgspec.to_builtins(document), Setup)
        switches = msgspec.convert(switches, dict[str, Any])
        return msgspec.structs.replace(setup, behaviour=Behaviour().changed(switches))
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigurationError(f"{path} does not describe a sandbox: {error}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.args[0]}", advice=error.advice) from error


def _parse(content: bytes) -> Any:
    # Thousands of contacts are read in a moment as JSON, and in seconds as YAML by its parser in C.
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
