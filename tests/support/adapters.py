"""What dbt does for each adapter and each statement, and tests need once or not at all.

A test makes an adapter for each project that it reads. dbt then parses its 690 macros anew, and inspects the whole
stack for each of its behaviour flags, which takes the longer the more modules are loaded and the deeper the stack is.
For each statement it builds log lines, which nobody reads. Processes of their own do all of it as ever.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.parser.manifest import ManifestLoader
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.events.event_manager import EventManager

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pytest
    from dbt.config.project import Project


def make_adapters_cheap(patch: pytest.MonkeyPatch) -> None:
    """Parse the same macros once, name a behaviour flag's source without a look at the stack, build no unread log."""
    load = ManifestLoader.load_macros
    known: dict[Any, Any] = {}

    @functools.wraps(load)
    def load_macros(root_config: Any, macro_hook: Any, **options: Any) -> Any:
        projects = root_config.load_dependencies(base_only=options.get("base_macros_only", False))
        key = (root_config.credentials.type, tuple(projects), tuple(_files(projects)))
        if key not in known:
            known[key] = load(root_config, macro_hook, **options)
        return known[key]

    patch.setattr(ManifestLoader, "load_macros", load_macros)
    patch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(lambda: "dbt"))

    fire = EventManager.fire_event

    def fire_event(self: EventManager, e: Any, *arguments: Any, **options: Any) -> None:
        if self.loggers or self.callbacks:
            fire(self, e, *arguments, **options)

    patch.setattr(EventManager, "fire_event", fire_event)


def _files(projects: Mapping[str, Project]) -> Iterator[tuple[str, str, bytes]]:
    """Yield each file that may hold macros: a test's project lies in a folder of its own, with the same macros."""
    for name, project in projects.items():
        root = Path(project.project_root)
        for folder in (*project.macro_paths, *project.generic_test_paths):
            for file in sorted((root / folder).rglob("*.*")):
                found = file.stat()
                yield name, str(file.relative_to(root)), _content(file, found.st_ino, found.st_size, found.st_mtime_ns)


@functools.cache
def _content(file: Path, *_: int) -> bytes:
    """Return what is in a file, read once for as long as it does not change."""
    return file.read_bytes()
