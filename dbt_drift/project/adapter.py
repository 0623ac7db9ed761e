"""A separate adapter, beside the one that dbt keeps for the commands that run in this process.

dbt registers one adapter per type for the whole process, and each of its commands closes that adapter's connections
when it starts. This adapter is not registered, so a dbtRunner before, after or beside a sync finds its own unchanged.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, cast

from dbt_drift.project import bundled
from dbt_drift.project.macros import parsed_macros

if TYPE_CHECKING:
    from dbt.adapters.sql.impl import SQLAdapter
    from dbt.config.runtime import RuntimeConfig

OUR_PACKAGE = "dbt_drift"


def own_adapter(config: RuntimeConfig) -> SQLAdapter:
    """Create an adapter that knows dbt-drift's macros and those of the project and its packages."""
    from dbt.adapters.factory import get_adapter_class_by_name  # noqa: PLC0415 - dbt is slow to import
    from dbt.mp_context import get_mp_context  # noqa: PLC0415 - dbt is slow to import

    kind: Any = get_adapter_class_by_name(config.credentials.type)
    if config.credentials.type == "duckdb":
        # DuckDB locks its file while the process holds it open: between two statements dbt must be able to open it.
        vars(config.credentials)["keep_open"] = False
        kind = _own_duckdb(kind)
    if getattr(config.credentials, "autocommit", False):
        # Otherwise dbt-postgres can be told to leave out BEGIN and COMMIT, also where a transaction is meant.
        vars(config.credentials)["autocommit"] = False
    adapter = kind(config, get_mp_context())
    # The macros are those shipped with this program, whether or not the project lists the package.
    packages = dict(config.load_dependencies())
    packages[OUR_PACKAGE] = config.new_project(str(bundled.dbt_package()))
    config.dependencies = packages
    adapter.set_macro_resolver(parsed_macros(config, adapter))
    adapter.set_macro_context_generator(functools.partial(_runtime_context, adapter, {}))
    return cast("SQLAdapter", adapter)


def relation_names(adapter: SQLAdapter, config: RuntimeConfig, node: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the database, the schema and the name of a node in this target, as the project's macros generate them.

    Args:
        adapter: Created by `own_adapter`.
        config: The project and its target.
        node: A complete node of the manifest, because the macros may use any part of it.
    """
    from dbt.clients.jinja import MacroGenerator  # noqa: PLC0415 - dbt is slow to import
    from dbt.context.providers import GenerateNameProvider  # noqa: PLC0415 - dbt is slow to import

    macros: Any = adapter.get_macro_resolver()
    given = node["config"]

    def name(component: str) -> Any:
        macro = macros.find_generate_macro_by_name(component, config.project_name, node["package_name"])
        macro = macro or macros.find_generate_macro_by_name(component, config.project_name)
        context = _context(adapter, macro, macros, GenerateNameProvider(), package=None)
        found = MacroGenerator(macro, context)(given.get(component), node)
        return found.strip() if isinstance(found, str) else found

    database, schema, alias = name("database"), name("schema"), name("alias")
    if node["resource_type"] == "snapshot":  # snapshots have an older setting for it
        database, schema = given.get("target_database") or database, given.get("target_schema") or schema
    return database, schema, alias


def _own_duckdb(kind: Any) -> Any:
    """Return the adapter's class with its own DuckDB instance: dbt-duckdb keeps one for the whole process."""

    class Connections(kind.ConnectionManager):  # type: ignore[misc]  # known only when it runs
        _ENV = None

    class Adapter(kind):  # type: ignore[misc]  # likewise
        ConnectionManager = Connections

        @classmethod
        def get_binding_char(cls) -> Any:
            return Connections.env().get_binding_char()

    return Adapter


def _runtime_context(
    adapter: SQLAdapter,
    known: dict[Any, dict[str, Any]],
    macro: Any,
    _config: RuntimeConfig,
    macros: Any,
    package: str | None,
) -> dict[str, Any]:
    """Return the context of a macro, the same for all macros of a package: dbt needs milliseconds to build one."""
    from dbt.context.providers import RuntimeProvider  # noqa: PLC0415 - dbt is slow to import

    place = (macro.package_name, package)
    if place not in known:
        known[place] = _context(adapter, macro, macros, RuntimeProvider(), package=package)
    return known[place]


def _context(adapter: SQLAdapter, macro: Any, macros: Any, provider: Any, *, package: str | None) -> dict[str, Any]:
    """Return the context of a macro. dbt's own context would look up dbt's adapter when it is created."""
    from dbt.context.manifest import ManifestContext  # noqa: PLC0415 - dbt is slow to import
    from dbt.context.providers import MacroContext  # noqa: PLC0415 - dbt is slow to import

    class OwnContext(MacroContext):
        def __init__(self, config: Any) -> None:
            self.model = macro
            ManifestContext.__init__(self, config, macros, macro.package_name)
            self.sql_results = {}
            self.context_config = None
            self.provider = provider
            self.adapter = adapter
            self.db_wrapper = provider.DatabaseWrapper(adapter, self.namespace)
            self._search_package = package or config.project_name

    made: Any = OwnContext(adapter.config)
    context: dict[str, Any] = made.to_dict()
    return context
