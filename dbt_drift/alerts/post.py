"""One POST to a destination of alerts, which may be down, slow or hostile: it costs its time, and shows no secret."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import requests

from dbt_drift.drift.http.url import is_loopback
from dbt_drift.errors import DbtDriftError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRIES = 3
_PAUSE = 0.5
_LONGEST_ANSWER = 16_384
"""In bytes."""

_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class UndeliveredError(DbtDriftError):
    """An alert did not arrive. The text names neither the URL, which is a secret, nor what was answered."""

    kind = "undelivered"


class Post:
    """Sends to one destination until a deadline.

    Args:
        seconds: How long all of its requests may take together.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """Send a JSON document, again if the destination is busy, and return the beginning of the answer.

        Raises:
            UndeliveredError: The destination did not take it in time, or refuses it.
        """
        problem = "no time was left"
        for number in range(_TRIES):
            pause = _PAUSE * 2 ** (number - 1) if number else 0.0
            if self._left() <= pause:
                break
            time.sleep(pause)
            try:
                status, answer = self._once(url, body, headers)
            except (requests.RequestException, OSError) as error:
                problem = type(error).__name__  # its text names the URL
                continue
            if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
                return answer
            problem = f"the answer was {status}"
            if status not in _AGAIN:
                break
        raise UndeliveredError(problem)

    def _once(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        with requests.Session() as session:
            session.trust_env = not is_loopback(url)
            # A redirect would carry the alert and its secrets to somewhere that nobody named.
            with session.post(
                url,
                data=body,
                headers={**headers, "Content-Type": "application/json; charset=utf-8", "User-Agent": "dbt-drift"},
                timeout=max(0.1, self._left()),
                allow_redirects=False,
                stream=True,
            ) as response:
                return response.status_code, self._read(response)

    def _read(self, response: requests.Response) -> bytes:
        read = bytearray()
        for byte in response.iter_content(1):  # a larger part could take any length of time
            read += byte
            if len(read) >= _LONGEST_ANSWER or self._left() <= 0:
                break
        return bytes(read)

    def _left(self) -> float:
        return self._deadline - time.monotonic()
