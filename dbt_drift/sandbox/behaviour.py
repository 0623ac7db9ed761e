"""Every switch of the sandbox, with its documented default.

Where Drift's documentation and its clients disagree or are silent, the sandbox can answer either way. The defaults
follow the majority of the sources.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from dbt_drift.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 10**9
"""Maximum number that a switch accepts. Larger ones lead to invalid dates and waits."""

_Count = Annotated[int, Meta(ge=0, le=_MOST)]
_Milliseconds = Annotated[float, Meta(ge=0, le=_MOST)]
_Seconds = Annotated[float, Meta(ge=0.00001, le=_MOST)]

Hint = Literal["retry-after", "retry-after-date", "ratelimit-reset", "ratelimit-reset-at"]
"""How an answer gives the seconds to wait: `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), or
`RateLimit-Reset` in seconds or as epoch seconds."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An intentional failure.

    Requests that the rate limit or the token check refuses are not affected. If several faults match, the first one
    applies.

    Attributes:
        effect: `status`: answered with `status` instead; `reset`: the connection is reset without an answer; `cut`: the
            connection closes in the middle of the body; `delay`: only `delay_ms` applies.
        status: The status for the effect `status`.
        body: The body for the effect `status`; None for Drift's error envelope.
        retry_after: The seconds to wait in the answer of the effect `status`; None for no header.
        hint: The header that contains them.
        delay_ms: Delay of the answer or the reset, in milliseconds.
        applied: Whether the request takes effect before it fails. With `cut` and `delay` it always takes effect.
        method: The HTTP method to match, or several separated by commas; "" for any.
        path: The path to match, as a template such as `/contacts/{id}` or as it is sent; `*` matches anything, as in
            `/contacts/*`; "" for any.
        rate: Share of the matching requests that fail, from 0 to 1.
        skip: Number of matching requests to let through first.
        count: Maximum number of failures; None for no limit.
    """

    effect: Literal["status", "reset", "cut", "delay"] = "status"
    status: Annotated[int, Meta(ge=400, le=599)] = 500
    body: str | None = None
    retry_after: _Count | None = None
    hint: Hint = "retry-after"
    delay_ms: _Milliseconds = 0
    applied: bool = False
    method: str = ""
    path: str = ""
    rate: Annotated[float, Meta(ge=0, le=1)] = 1
    skip: _Count = 0
    count: _Count | None = None


def _says(description: str) -> Meta:
    return Meta(description=description)


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the sandbox answers where Drift's behaviour depends on plan or time, or where sources disagree.

    Each attribute has its own description, which the page and `json_schema` show.
    """

    rate_limit: Annotated[_Count, _says("Requests that an organisation may make in one window; 0 lifts the limit.")] = (
        1000
    )
    rate_window_s: Annotated[_Seconds, _says("The length of the rate window, in seconds.")] = 20
    rate_window: Annotated[
        Literal["sliding", "fixed"],
        _says("sliding: the limit holds in any window; fixed: the count starts again at each multiple of the window."),
    ] = "sliding"
    rate_hint: Annotated[
        Literal["none", Hint],
        _says("The header, if any, in which a 429 tells the seconds to wait; date and at tell the moment instead."),
    ] = "none"

    undeclared_tokens: Annotated[
        Literal["accept", "refuse"],
        _says("accept: any token that was not declared opens the default organisation with every scope."),
    ] = "accept"
    bad_token_status: Annotated[
        Literal[401, 403], _says("The answer to a missing, unknown or expired token: 401 is seen, 403 documented.")
    ] = 401
    missing_scope_status: Annotated[
        Literal[403, 401], _says("The answer to a token that lacks the scope of a call.")
    ] = 403
    token_info_key: Annotated[
        Literal["access_token", "accessToken", "either"], _says("The key in which token_info takes the token.")
    ] = "access_token"  # noqa: S105 - the name of a key

    token_lifetime_s: Annotated[
        _Seconds, _says("How long an access token lasts that was granted by signing in, in seconds.")
    ] = 7200
    refresh_tokens: Annotated[
        Literal["rotate", "keep"], _says("rotate: a refresh token can be used once, and the answer has the next one.")
    ] = "rotate"
    sign_in: Annotated[
        Literal["grant", "deny"], _says("What becomes of everybody who is sent to the authorize page.")
    ] = "grant"

    error_body: Annotated[
        Literal["json", "empty", "html"],
        _says("The body of refusals; html is what a proxy would say in Drift's place."),
    ] = "json"
    duplicate_status: Annotated[
        Literal[409, 400, 422], _says("The answer to a second contact with the same email or externalId.")
    ] = 409
    email_collision: Annotated[
        Literal["refuse", "allow"],
        _says("Whether a PATCH may give a contact without externalId the email of another one."),
    ] = "refuse"
    email_case: Annotated[
        Literal["ignored", "kept"], _says("Whether a look-up and the duplicate check ignore the case of an email.")
    ] = "ignored"

    nulls: Annotated[
        Literal["ignore", "clear", "refuse"], _says("What an attribute sent as null does; refuse answers 400.")
    ] = "ignore"
    read_only: Annotated[
        Literal["ignore", "refuse"],
        _says("What writing an attribute does that Drift keeps itself; refuse answers 400."),
    ] = "ignore"
    unknown_attributes: Annotated[
        Literal["create", "ignore", "refuse"], _says("What an attribute that the organisation lacks does.")
    ] = "create"
    attribute_types: Annotated[
        Literal["open", "checked"],
        _says("checked: a value that does not suit the type of its attribute, and any nested value, answers 400."),
    ] = "open"

    tags: Annotated[
        Literal["live", "ignored", "gone"],
        _says("Contact tags: live; accepted and not applied; or their calls answer 404."),
    ] = "live"
    tags_in_contact: Annotated[
        Literal["replace", "merge", "ignore"], _says("What attributes.tags of a PATCH does to the tags of the contact.")
    ] = "replace"
    tags_key: Annotated[bool, _says("Whether contacts are returned with a key for their tags.")] = True
    tag_items: Annotated[
        Literal["objects", "names"],
        _says("What the tags of a contact are shown as: with name and color, or bare names."),
    ] = "objects"
    tag_status: Annotated[Literal[200, 202], _says("The answer to tags that are added or removed.")] = 200

    external_id: Annotated[
        Literal["text", "number"], _says("number: an externalId of digits alone is shown without quotes.")
    ] = "text"
    external_id_null: Annotated[bool, _says("Whether a contact without externalId shows one that is null.")] = False
    listing_status: Annotated[
        Literal[400, 404, 405], _says("The answer to a look-up by nothing, which would list all contacts.")
    ] = 400
    lookup: Annotated[
        Literal["array", "object"], _says("object: a look-up by email that finds one contact returns it bare.")
    ] = "array"
    lookup_order: Annotated[
        Literal["oldest", "newest"], _says("Which of several contacts with one email comes first.")
    ] = "oldest"
    lookup_limit: Annotated[
        int, Meta(ge=1, le=_MOST, description="The most contacts that a look-up by email returns at once.")
    ] = 100
    lookup_status: Annotated[
        Literal[200, 404], _says("The answer to a look-up by email that finds nobody: 200 with an empty list, or 404.")
    ] = 200
    lookup_errors: Annotated[bool, _says("Whether look-ups carry a list of errors beside their contacts.")] = False
    missing_ids: Annotated[
        Literal["left-out", "not-found"],
        _says("A look-up by ids some of which are missing: the others are answered, or all of it is a 404."),
    ] = "left-out"
    most_ids: Annotated[_Count, _says("The most ids of one look-up; 0 for any number.")] = 0
    too_many_ids: Annotated[
        Literal["refuse", "cut"], _says("More ids than the most: 400, or the first ones are answered without a word.")
    ] = "refuse"
    ids_order: Annotated[
        Literal["asked", "oldest", "newest"], _says("The order of the contacts of a look-up by ids.")
    ] = "asked"
    normalize_parameters: Annotated[
        Literal["query", "body", "either"], _says("Where PATCH /contacts/normalize takes idType and id.")
    ] = "query"

    acknowledgement: Annotated[
        Literal["json", "empty"], _says("The body of answers that only say yes: to a delete, to tags, to unsubscribe.")
    ] = "json"
    version_lag: Annotated[bool, _says("Whether the answer to a PATCH still shows the version before it.")] = False

    latency_ms: Annotated[
        _Milliseconds, _says("How long an answer takes; the request has taken effect before. Milliseconds.")
    ] = 0
    latency_jitter_ms: Annotated[_Milliseconds, _says("The most that chance adds to the latency. Milliseconds.")] = 0
    log_contents: Annotated[
        bool,
        _says("Whether the request log keeps queries and bodies, which hold personal data; never those of tokens."),
    ] = False
    faults: Annotated[tuple[Fault, ...], _says("What goes wrong on purpose.")] = ()
    seed: Annotated[int, _says("The seed of all chance: rates of faults, jitter.")] = 0

    def changed(self, switches: Mapping[str, object]) -> Behaviour:
        """Return the behaviour with some switches changed.

        Args:
            switches: The new values by name. `faults` replaces the whole list.

        Raises:
            ConfigurationError: A switch does not exist or does not accept the value.
        """
        for name in switches:
            if name not in self.__struct_fields__:
                near = difflib.get_close_matches(name, self.__struct_fields__, n=1)
                raise ConfigurationError(
                    f"The sandbox has no switch named {name!r}.",
                    advice=f"Did you mean {near[0]!r}?" if near else f"It has: {', '.join(self.__struct_fields__)}.",
                )
        try:
            asked = msgspec.convert(msgspec.to_builtins(dict(switches)), Behaviour)
        except (msgspec.ValidationError, TypeError) as error:
            raise ConfigurationError(f"The sandbox cannot be switched like this: {error}") from error
        return msgspec.structs.replace(self, **{name: getattr(asked, name) for name in switches})


def json_schema() -> bytes:
    """Return the JSON Schema of `Behaviour`, with each switch's choices, default and description."""
    return msgspec.json.encode(msgspec.json.schema(Behaviour))
