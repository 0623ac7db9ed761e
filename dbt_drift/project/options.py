"""The user's options for the dbt project: dbt's own flags and selectors."""

from __future__ import annotations

from typing import Any

import msgspec


class ProjectOptions(msgspec.Struct, frozen=True, kw_only=True):
    """dbt's own flags, with dbt's meaning. None means dbt's own value: its environment variable, then its default."""

    project_dir: str | None = None
    profiles_dir: str | None = None
    profile: str | None = None
    target: str | None = None
    target_path: str | None = None
    vars: dict[str, Any] | None = None


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The user's selection, in dbt's selector syntax. An empty selection selects everything.

    Attributes:
        select: Selectors, as given to `--select`.
        exclude: Selectors, as given to `--exclude`.
        selector: The name of a selector of selectors.yml.
        state: Where `state:` and `result:` find the artifacts to compare with, relative to the project's root; None
            means dbt's environment variable.
    """

    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    state: str | None = None

    @property
    def is_made(self) -> bool:
        """Whether anything is selected."""
        return bool(self.select or self.exclude or self.selector)
