"""`butane_py.build()`: one config for one machine, or for all hosts of an inventory, from Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from butane_py.compilation import Options
from butane_py.fleet import outside
from butane_py.fleet.hosts import Combined
from butane_py.fleet.inventory import read_inventories
from butane_py.fleet.inventory.document import refused
from butane_py.fleet.inventory.model import Host, Inventory, Variables
from butane_py.fleet.precedence import host_facts, host_values
from butane_py.fleet.program import Program, build_host, load
from butane_py.fleet.result import HostResult
from butane_py.fleet.selection import LimitError, chosen
from butane_py.fleet.sources import main_file
from butane_py.fleet.unknown import unknown_name
from butane_py.result import CompileError
from ignition_py.report.diag import ERROR, ConfigError, Entry, Place, Report


class Build(Mapping[str, "HostResult"]):
    """The outcome of a build: the result of each host, by its name, "" where there is no inventory.

    `report` is that of all hosts: what several have in common is one entry, which counts them.
    """

    def __init__(self, results: dict[str, HostResult], report: Report) -> None:
        self._results = results
        self.report = report

    def __getitem__(self, host: str) -> HostResult:
        return self._results[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    @property
    def ok(self) -> bool:
        """True if there are hosts, and each has an output."""
        return bool(self._results) and all(result.ok for result in self._results.values()) and not self.report.fatal

    @property
    def result(self) -> HostResult:
        """The only result. Raises ValueError where there are several, or none."""
        if len(self._results) != 1:
            raise ValueError(f"the build has {len(self._results)} results; name one of its hosts")
        return next(iter(self._results.values()))

    def raise_for_errors(self) -> None:
        """Raises CompileError where the report has errors."""
        if self.report.fatal:
            raise CompileError(self.report)

    def __repr__(self) -> str:
        return f"Build({len(self._results)} results, {self.report!r})"


def build(
    path: str | os.PathLike[str],
    *,
    vars: Mapping[str, Any] | None = None,  # noqa: A002  # the key that declares them
    inventory: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    vars_files: Sequence[str | os.PathLike[str]] = (),
    hosts: Sequence[str] = (),
    limit: str = "",
    files_dir: str | None = None,
    pretty: bool = False,
    raw: bool = False,
    lint: bool = False,
    source_map: bool = False,
) -> Build:
    """Compiles a config with variables and includes.

    `vars` are values of variables, as Python has them; they win over all others but `with:`. `inventory` is a file of hosts, or
    several; without it the config is compiled once, for the host "". `vars_files` are YAML or JSON files of values, later ones win.
    `hosts` and `limit` (Ansible's patterns) choose among the hosts. The others are those of `compile()`.

    Nothing is raised for a config, a value or an inventory that is wrong: see `Build.ok` and `Build.report`. Raises TypeError for a value
    that no JSON could have.
    """
    options = Options(files_dir, pretty=pretty, raw=raw, lint=lint, source_map=source_map)
    try:
        build_ = _Build(os.fspath(path), options, [outside.of_file(os.fspath(each))[0] for each in vars_files], vars or {})
        if inventory is None:
            return build_.one()
        names = [inventory] if isinstance(inventory, (str, os.PathLike)) else inventory
        return build_.all(read_inventories([os.fspath(name) for name in names]), hosts, limit)
    except ConfigError as error:
        return Build({}, error.report)


class _Build:
    """One build from Python."""

    def __init__(self, path: str, options: Options, files: Sequence[Variables], given: Mapping[str, Any]) -> None:
        self.path = path
        self.options = options
        self.given = outside.of_mapping(given, "vars")
        self.outside = [*files, self.given]
        self.programs: dict[str, Program] = {}
        self.used: set[str] = set()

    def one(self) -> Build:
        """The build without an inventory."""
        combined = Combined()
        result = build_host(self._program(self.path), host_values(None, None, self.outside))
        combined.add("", result)
        return self._finished({"": result}, combined)

    def all(self, inventory: Inventory, hosts: Sequence[str], limit: str) -> Build:
        """The build of the hosts of an inventory. Raises ConfigError."""
        combined = Combined()
        results: dict[str, HostResult] = {}
        for host in _chosen(inventory, hosts, limit):
            program = self._program(main_file(host, inventory, self.outside, self.path))
            facts = host_facts(inventory, host)
            results[host.name] = build_host(program, host_values(inventory, host, self.outside), facts)
            combined.add(host.name, results[host.name])
        return self._finished(results, combined)

    def _program(self, path: str) -> Program:
        """The program of a file, read once. Raises ConfigError."""
        if path not in self.programs:
            self.programs[path] = load(path, self.options)
        return self.programs[path]

    def _finished(self, results: dict[str, HostResult], combined: Combined) -> Build:
        """The build with errors for values of callers that no file declares."""
        report = combined.report()
        declared = {name for program in self.programs.values() for name in program.declarations}
        report.entries += [
            unknown_name(name, given[-1].value().place, declared)
            for name, given in self.given.items()
            if name in combined.unused and name not in declared
        ]
        return Build(results, report)


def _chosen(inventory: Inventory, hosts: Sequence[str], limit: str) -> list[Host]:
    """The hosts to build. Raises ConfigError."""
    try:
        return chosen(inventory, [limit] if limit else [], hosts, called="hosts")[0]
    except LimitError as error:
        raise refused(Entry(ERROR, "host-unknown", str(error), Place((), source="limit"))) from None
