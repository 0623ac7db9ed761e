"""The HTTP session for receivers of telemetry, which may be hostile: it reads only the beginning of an answer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

LONGEST_ANSWER = 16_384
"""In bytes."""


class BoundedSession(requests.Session):
    """A session whose answers end after `LONGEST_ANSWER` bytes, and that refuses to be sent elsewhere."""

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """Send a request, as `requests.Session.send`.

        Raises:
            TooManyRedirects: The answer is a redirect, which would carry the events, and the key that they are sent
                with, to somewhere that nobody named.
        """
        response = super().send(request, **{**options, "stream": True, "allow_redirects": False})
        if response.is_redirect:
            response.close()
            raise requests.TooManyRedirects
        beginning = io.BytesIO(response.raw.read(LONGEST_ANSWER, decode_content=True))
        response.raw.close()
        response.raw = beginning
        return response
