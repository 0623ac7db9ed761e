"""A plain HTTP client of the sandbox, for its tests."""

from __future__ import annotations

from typing import Any

import requests

ANYBODY = "anybody"
"""A token that was not declared."""


class Client(requests.Session):
    """Calls paths of one sandbox with one token."""

    def __init__(self, url: str, token: str = ANYBODY) -> None:
        super().__init__()
        self.url = url
        self.trust_env = False
        self.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None, /, **query: Any) -> requests.Response:
        return self.request(method, self.url + path, json=body, params=query, timeout=30)

    def create(self, **attributes: Any) -> requests.Response:
        return self.call("POST", "/contacts", {"attributes": attributes})

    def created(self, **attributes: Any) -> int:
        """Create a contact and return its id."""
        answer = self.create(**attributes)
        assert answer.status_code == 200, answer.text
        contact_id = answer.json()["data"]["id"]
        assert isinstance(contact_id, int)
        return contact_id

    def patch_contact(self, contact_id: int, **attributes: Any) -> requests.Response:
        return self.call("PATCH", f"/contacts/{contact_id}", {"attributes": attributes})

    def attributes(self, contact_id: int) -> dict[str, Any]:
        """Return the attributes of a contact as the API shows them."""
        answer = self.call("GET", f"/contacts/{contact_id}")
        assert answer.status_code == 200, answer.text
        found = answer.json()["data"]["attributes"]
        assert isinstance(found, dict)
        return found


def error_of(answer: requests.Response) -> tuple[int, str]:
    """Return the status and the type of an error answer, whose envelope must be whole."""
    error = answer.json()["error"]
    assert set(error) == {"type", "message"}
    assert error["message"]
    return answer.status_code, error["type"]
