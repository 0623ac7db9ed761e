"""The one module that knows dbt's internals.

All of dbt-drift's use of dbt goes through here: the project and the profile, the adapter and its connection, the macros
of dbt-drift's dbt package, and dbt's selection grammar. Support for a new dbt version changes only this package.
dbt is imported inside the functions: it takes 1.5 to 2.5 seconds, which would slow down `dbt-drift --help`.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from dbt_drift.errors import ConfigurationError, WarehouseError
from dbt_drift.project.adapter import OUR_PACKAGE, own_adapter, relation_names
from dbt_drift.project.errors import dbt_errors
from dbt_drift.project.folders import profiles_folder, project_root
from dbt_drift.project.session import Session, open_patiently

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt.adapters.sql.impl import SQLAdapter
    from dbt.config.runtime import RuntimeConfig

    from dbt_drift.project.options import ProjectOptions, Selection


class _Invocation(msgspec.Struct):
    invocation_id: str | None = None


class _RunResults(msgspec.Struct):
    metadata: _Invocation


class DbtProject:
    """A dbt project according to the user's flags: its paths, its target, its adapter."""

    def __init__(self, config: RuntimeConfig, options: ProjectOptions) -> None:
        self._config = config
        self._options = options
        self._adapter: SQLAdapter | None = None
        self._used: dict[int, Session] = {}
        self._idle: dict[int, Session] = {}
        self._holding: set[int] = set()
        self.root = Path(config.project_root)
        self._place = _place(config, options)
        # str(): some of these are instances of dbt's own string classes.
        self.name = str(config.project_name)
        self.target_name = str(config.target_name)
        self.profile_name = str(config.profile_name)
        self.adapter_type = str(config.credentials.type)
        self.database = str(config.credentials.database) if config.credentials.database else None
        self.schema = str(config.credentials.schema)
        self.target_path = self.root / config.target_path
        self.model_paths = [str(path) for path in config.model_paths]

    @classmethod
    def load(cls, options: ProjectOptions) -> DbtProject:
        """Read dbt_project.yml and profiles.yml as dbt does; opens no connection.

        Raises:
            ConfigurationError: dbt cannot read the project or the profile; contains dbt's own message.
        """
        with dbt_errors(ConfigurationError):
            from dbt.config.runtime import RuntimeConfig, load_profile, load_project  # noqa: PLC0415 (see module)

            # Absolute, because a run changes the working directory.
            root = project_root(options)
            options = msgspec.structs.replace(
                options, project_dir=str(root), profiles_dir=str(profiles_folder(options, root))
            )
            flags = _set_flags(options)
            cli_vars = options.vars or {}
            profile = load_profile(flags.PROJECT_DIR, cli_vars, flags.PROFILE, flags.TARGET)
            project = load_project(flags.PROJECT_DIR, version_check=True, profile=profile, cli_vars=cli_vars)
            return cls(RuntimeConfig.from_parts(project, profile, flags), options)

    @property
    def settings(self) -> dict[str, Any]:
        """The project's `vars: {dbt_drift: {...}}`, overridden by those of `--vars`."""
        merged: dict[str, Any] = {}
        for layer in (self._config.vars.to_dict(), self._options.vars or {}):
            value = layer.get(OUR_PACKAGE)
            if value is not None and not isinstance(value, dict):
                raise ConfigurationError(f"vars: {OUR_PACKAGE} must be a mapping of settings, not {value!r}.")
            merged |= value or {}
        return merged

    @property
    def datasource(self) -> str:
        """The URI of the warehouse, such as `postgres://host:5432` or `duckdb://` and the profile's path.

        It has no secret in it: a path's query, where MotherDuck takes its token, is left out.
        """
        target = vars(self._config.credentials)
        if target.get("host"):
            return f"{self.adapter_type}://{target['host']}:{target['port']}"
        return f"{self.adapter_type}://{str(target.get('path') or '').partition('?')[0]}"

    @property
    def targets(self) -> list[str]:
        """The names of the targets that the profile has in profiles.yml."""
        from dbt.config.profile import read_profile  # noqa: PLC0415 (see module)

        profile = read_profile(str(self._options.profiles_dir)).get(self.profile_name) or {}
        return list(profile.get("outputs") or {})

    @property
    def installed_package(self) -> str | None:
        """The version of dbt-drift's dbt package that `dbt deps` installed; None if the project does not use it."""
        file = self.root / self._config.packages_install_path / OUR_PACKAGE / "dbt_project.yml"
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return None
        return str(content["version"]) if isinstance(content, dict) and "version" in content else None

    def last_invocation(self) -> str | None:
        """Return the invocation id of the last dbt command that wrote its results, or None if unknown."""
        try:
            results = msgspec.json.decode((self.target_path / "run_results.json").read_bytes(), type=_RunResults)
        except (OSError, msgspec.DecodeError):
            return None
        return results.metadata.invocation_id

    @contextlib.contextmanager
    def connect(self, name: str) -> Iterator[Session]:
        """Open a connection called `name`, and close it at the end, so that no lock outlives the block.

        A nested block in the same thread uses the connection of the outer block. Inside of `holding`, the connection
        stays open for the next block.

        Raises:
            WarehouseError: The warehouse refuses a statement; contains its own message.
            WarehouseLostError: The warehouse cannot be reached, or the connection broke; contains its own message.
        """
        thread = threading.get_ident()
        if (outer := self._used.get(thread)) is not None:
            yield outer
            return
        with _working_in(self.root), dbt_errors(WarehouseError, place=self._place):
            adapter = self._own_adapter()
            is_reusable = False
            try:
                session = self._idle.pop(thread) if thread in self._idle else self._open(adapter, name)
                self._used[thread] = session
                yield session
                is_reusable = thread in self._holding and not session.in_transaction
            finally:
                self._used.pop(thread, None)
                if is_reusable:
                    self._idle[thread] = session
                else:
                    adapter.release_connection()

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Let the blocks of `connect` in this thread share a connection: to open one can take a second.

        Call `let_go` before you wait for anything else: meanwhile a server may cut the connection, and dbt needs
        DuckDB's file.
        """
        thread = threading.get_ident()
        self._holding.add(thread)
        try:
            yield
        finally:
            self._holding.remove(thread)
            self.let_go()

    def let_go(self) -> None:
        """Close the connection that this thread holds, if it holds one."""
        if self._idle.pop(threading.get_ident(), None) is not None:
            self._own_adapter().release_connection()

    def relation_names(self, node: dict[str, Any]) -> tuple[Any, Any, Any] | None:
        """Return the database, the schema and the name of a node in the target; None if unknown.

        Args:
            node: A complete node of the manifest.
        """
        try:
            with _working_in(self.root), dbt_errors(ConfigurationError):
                return relation_names(self._own_adapter(), self._config, node)
        except ConfigurationError:
            return None  # a macro of the project that needs a full dbt invocation

    def source_file(self, package: str, path: str) -> Path:
        """Return the path of a file of the project or of one of its packages."""
        if package == self.name:
            return self.root / path
        return self.root / self._config.packages_install_path / package / path

    def select(self, manifest: Path, selection: Selection) -> set[str]:
        """Return the unique_ids that dbt's selection grammar selects from a written manifest.

        Args:
            manifest: The manifest.json to select from, written by dbt-core.
            selection: The selectors.

        Raises:
            ConfigurationError: dbt does not understand a selector or the manifest.
        """
        with _working_in(self.root), dbt_errors(ConfigurationError):
            from dbt.artifacts.schemas.manifest import WritableManifest  # noqa: PLC0415 (see module)
            from dbt.cli.main import dbtRunner  # noqa: PLC0415 (see module)
            from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 (see module)

            loaded = Manifest.from_writable_manifest(WritableManifest.read_and_check_versions(str(manifest)))
            arguments = self._command("ls", "--no-write-json", "--output", "json", "--output-keys", "unique_id")
            for flag, given in (("--select", selection.select), ("--exclude", selection.exclude)):
                arguments += [flag, *given] if given else []
            for flag, value in (("--selector", selection.selector), ("--state", selection.state)):
                arguments += [flag, value] if value else []
            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                outcome = dbtRunner(manifest=loaded).invoke(arguments)
            _set_flags(self._options)  # replaces the flags that dbt's runner has set
        if outcome.exception:
            raise _unselectable(outcome.exception) from outcome.exception
        lines = outcome.result if isinstance(outcome.result, list) else []
        return {msgspec.json.decode(line)["unique_id"] for line in lines}

    def parse(self) -> Path:
        """Parse the project as `dbt parse` does, and return the resulting manifest.json.

        Raises:
            ConfigurationError: dbt cannot parse it; contains dbt's own message.
        """
        with _working_in(self.root), dbt_errors(ConfigurationError):
            from dbt.cli.main import dbtRunner  # noqa: PLC0415 (see module)

            with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
                outcome = dbtRunner().invoke(self._command("parse"))
            _set_flags(self._options)  # replaces the flags that dbt's runner has set
        if outcome.exception:
            raise ConfigurationError(f"dbt cannot parse the project: {outcome.exception}") from outcome.exception
        return self.target_path / "manifest.json"

    def _open(self, adapter: SQLAdapter, name: str) -> Session:
        session = Session(adapter)
        if problem := session.call("why_unsupported"):
            raise ConfigurationError(problem, advice="Name a target on one of these with --target.")
        adapter.acquire_connection(f"dbt_drift_{name}")
        open_patiently(adapter)
        session.call("fix_session")
        return session

    def _own_adapter(self) -> SQLAdapter:
        self._adapter = self._adapter or own_adapter(self._config)
        return self._adapter

    def _command(self, name: str, *options: str) -> list[str]:
        """Return the arguments of a dbt command on this project without dbt's own output and logs."""
        arguments = ["--quiet", "--log-level-file", "none", name, *options]
        arguments += ["--project-dir", str(self.root), "--profile", self.profile_name, "--target", self.target_name]
        arguments += ["--profiles-dir", str(self._options.profiles_dir)]
        # The rest of the project may be read-only.
        arguments += ["--target-path", str(self.target_path), "--log-path", str(self.target_path)]
        if self._options.vars:
            arguments += ["--vars", msgspec.json.encode(self._options.vars).decode()]
        return arguments


@contextlib.contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Change to the project's root, as dbt does: relative paths in a profile or a model start there."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _place(config: RuntimeConfig, options: ProjectOptions) -> str:
    """Describe where the warehouse is, and which setting says so."""
    target = vars(config.credentials)
    where = target.get("host") or target.get("path") or ""
    port = f":{target['port']}" if target.get("host") and target.get("port") else ""
    return (
        f"The warehouse is {f'{where}{port}, ' if where else ''}the target {config.target_name} of the profile "
        f"{config.profile_name} in {options.profiles_dir}/profiles.yml."
    )


def _unselectable(error: BaseException) -> ConfigurationError:
    if "RunResultsArtifact" in str(error):  # the whole file follows
        return ConfigurationError(
            "dbt could not select: it cannot read the run_results.json that --state names.",
            advice="dbt-core 1.x reads its own alone, not that of dbt 2: name a folder without it for `state:`.",
        )
    return ConfigurationError(f"dbt could not select: {error}")


def _set_flags(options: ProjectOptions) -> Any:
    """Set dbt's global flags as its own commands do, so that environment variables and defaults apply."""
    from dbt.cli.flags import Flags  # noqa: PLC0415 (see module)
    from dbt.cli.types import Command  # noqa: PLC0415 (see module)
    from dbt.flags import set_flags  # noqa: PLC0415 (see module)
    from dbt_common.context import set_invocation_context  # noqa: PLC0415 (see module)
    from dbt_common.events.event_manager_client import cleanup_event_logger  # noqa: PLC0415 (see module)

    set_invocation_context(os.environ)
    given = {name: value for name, value in msgspec.structs.asdict(options).items() if value is not None}
    if options.vars:
        given["vars"] = msgspec.json.encode(options.vars).decode()  # dbt formats a dict as Python does, but reads YAML
    # Otherwise dbt decodes the whole parsed project to load the macros, which takes seconds in a large project.
    flags = Flags.from_dict(Command.PARSE, {**given, "partial_parse": False})
    set_flags(flags)
    cleanup_event_logger()  # dbt-drift does not print dbt's log lines
    return flags
