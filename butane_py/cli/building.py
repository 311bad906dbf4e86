"""One build from start to end: read the inventory, compile for each host, write what changed, report. A watch does it again and again."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from butane_py.cli.batch import ProgressBar
from butane_py.cli.build_output import Writer
from butane_py.cli.build_report import Reporter
from butane_py.cli.job import DONE, REFUSED, Job
from butane_py.cli.one import BAD, as_bytes
from butane_py.cli.processes import LOST, in_processes
from butane_py.files import identity
from butane_py.fleet import outside
from butane_py.fleet.inventory import read_inventories, split_name
from butane_py.fleet.inventory.model import Inventory, Variables
from butane_py.fleet.outcomes import ONLY, HostBuilder, Outcome, Subject, lost, sharing
from butane_py.fleet.precedence import host_values
from butane_py.fleet.program import Program, load
from butane_py.fleet.selection import chosen
from butane_py.fleet.sources import main_file
from butane_py.fleet.unknown import unknown_name, unknown_values
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import ERROR, ConfigError, Entry, Place, Report
from ignition_py.system.streams import say, write_stdout

if TYPE_CHECKING:
    from butane_py.cli.build_publish import Publication
    from butane_py.deliver.ladder import Wish


class Request(Record):
    """What a build is asked for: files, where values come from, which hosts, where the output goes and how it is reported.

    butane: plain Butane is written in place of Ignition configs. explain: the variable whose values are explained. picture: the
    format of the picture that is drawn. With either, nothing is written. wish: how the configs are to be delivered, None where they are
    only written. publish: publishes the parts of the hosts, by their names, before files are written; with --check it only looks.
    """

    config: str
    job: Job
    _: KW_ONLY
    inventories: tuple[str, ...] = ()
    vars_files: tuple[str, ...] = ()
    environment: str | None = None
    words: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    output: str = ""
    output_dir: str = ""
    butane: bool = False
    jobs: int = 1
    explain: str = ""
    picture: str = ""
    prune: bool = False
    wish: Wish | None = None
    publish: Publication | None = None

    @property
    def shows(self) -> bool:
        """True if the build is looked at, and nothing is written."""
        return bool(self.explain or self.picture)


class ManyHosts(ValueError):
    """Several hosts, and one place for their configs."""


class Build:
    """One build. `reads` are the files that were read, for a watch."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.job = request.job
        files = [split_name(name)[0] for name in request.inventories]
        self.reads: set[str] = {*files, *request.vars_files, request.config} - {"", "-"}
        self.inventory: Inventory | None = None
        self.programs: dict[str, Program] = {}
        self.reporter = Reporter(request, self.programs)
        self._outside: list[Variables] = []
        self._failures: list[Entry] = []  # that are about no single host

    def run(self) -> int:
        """Builds; the exit status. Raises ManyHosts, LimitError, and OSError for the standard streams and the folder."""
        try:
            subjects = self._prepared()
        except ConfigError as error:
            self.reporter.refuse(error.report)
            return REFUSED
        request = self.request
        builder = HostBuilder(
            self.programs, self.inventory, self._outside, strict=self.job.strict, explain=request.explain, butane=request.butane,
            wish=None if request.shows else request.wish,
        )  # fmt: skip
        outcomes: Iterable[Outcome] = in_processes(builder, subjects, request.jobs, lambda subject: lost(subject, LOST))
        words = self._outside[-1]
        declared = {name for program in self.programs.values() for name in program.declarations}
        if words.keys() - declared:
            outcomes = list(outcomes)  # a file that is included under a name of many may declare them
            unknown = [
                name for name in words if name not in declared and not any(name in each.used for each in outcomes)
            ]
            if unknown:
                places = [(name, words[name][-1].value().place) for name in unknown]
                self.reporter.refuse(Report([unknown_name(name, place, declared) for name, place in places]))
                return REFUSED
        return self._finished(list(self._followed(subjects, outcomes)), declared)

    def _finished(self, outcomes: list[Outcome], declared: set[str]) -> int:
        """Prints what is asked for, and the reports; the exit status."""
        more = Report([*(self.inventory.report if self.inventory is not None else ()), *self._failures])
        if self.job.options.lint:
            names = sorted(self.reporter.unused - declared - self._outside[-1].keys())
            more.merge(unknown_values(names, self.inventory, self._outside, declared))
        asked = self.request.explain
        if asked and asked not in declared and not any(asked in each.used for each in outcomes):
            more.entries.append(unknown_name(asked, Place((), source=f"--explain-var {asked}"), declared))
        shown = self._shown(outcomes)
        failed = self.reporter.finish(more, to_stdout=bool(shown))
        if shown:
            write_stdout(shown)
        return REFUSED if failed or self.reporter.counts[BAD] or (self.job.strict and len(more)) else DONE

    def _shown(self, outcomes: list[Outcome]) -> str | bytes:
        """What goes to standard output: a config, the chains of a variable, a picture."""
        request = self.request
        if request.explain:
            chains = [(each.name, each.chain) for each in outcomes if each.chain is not None]
            from butane_py.fleet import explain

            show = explain.as_json if self.job.style == "json" else explain.explained
            return show(request.explain, chains)
        if request.picture:
            return self._picture(outcomes)
        only = outcomes[0] if len(outcomes) == 1 else None
        if only is None or only.output is None or self.job.check or request.output or request.output_dir:
            return ""
        if only.delivery is not None and request.wish is not None:
            return request.wish.written(only.name, only.delivery)
        return as_bytes(only.output)

    def _picture(self, outcomes: list[Outcome]) -> str:
        """The picture of who includes whom."""
        from butane_py.fleet.graph import kinds

        found = kinds(outcomes)
        if self.request.picture == "mermaid":
            from butane_py.fleet.mermaid import flowchart

            return flowchart(found)
        from butane_py.fleet.picture import picture

        return picture(", ".join(dict.fromkeys(kind.source for kind in found)), found)

    def _prepared(self) -> list[Subject]:
        """What is to be compiled, with everything read that it needs. Raises ConfigError, ManyHosts, LimitError."""
        request = self.request
        if request.config:
            self.programs[request.config] = self._program(
                request.config
            )  # first, since it says which values are secrets
        for path in request.vars_files:
            variables, document = outside.of_file(path)
            self._outside.append(variables)
            self.reporter.documents.append(document)
        if request.environment is not None:
            self._outside.append(outside.of_environment(request.environment))
        self._outside.append(outside.of_words(request.words))
        hosts = self._hosts() if request.inventories else None
        subjects = [Subject(ONLY, request.config)] if hosts is None else hosts
        if len(subjects) > 1 and not (request.output_dir or self.job.check or request.shows):
            raise ManyHosts(
                f"there are {len(subjects):,} hosts: give --output-dir, choose one with --host, or give --check"
            )
        for path in dict.fromkeys(subject.source for subject in subjects):
            if path not in self.programs:
                self.programs[path] = self._program(path)
        return subjects

    def _hosts(self) -> list[Subject]:
        """The hosts that --limit and --host choose, with the files that they are compiled from. Raises ConfigError, LimitError."""
        request = self.request
        inventory = self.inventory = read_inventories(request.inventories)
        self.reporter.documents += inventory.files
        hosts, unmatched = chosen(inventory, request.limits, request.hosts, called="--host {}", strict=self.job.strict)
        for pattern in unmatched:
            say(f"--limit {pattern} matches no host\n")
        return [Subject(host.name, main_file(host, inventory, self._outside, request.config)) for host in hosts]

    def _program(self, path: str) -> Program:
        """The program of a file. Raises ConfigError where it cannot be read."""
        self.reads.add(path)
        return load(path, self.job.options_for(path))

    def _followed(self, subjects: list[Subject], outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The outcomes, each written unless another host has a value that has to be unique."""
        sharing_hosts = self._sharing(subjects)
        outcomes = self._published(outcomes, sharing_hosts)
        writer = Writer(self.request, self.inventory)
        inputs = {identity(path) for path in self.reads}
        total = len(subjects)
        bar = ProgressBar(total) if total > 1 and self.job.style == "text" and sys.stderr.isatty() else None
        for number, outcome in enumerate(outcomes, 1):
            new = set(outcome.result.reads) - self.reads
            self.reads |= new
            inputs.update(map(identity, new))
            followed, state = writer.write(outcome.refused() if outcome.name in sharing_hosts else outcome, inputs)
            self.reporter.add(followed, state)
            if bar:
                bar.show(number)
            alone = not (self.request.output_dir or self.request.output)
            yield followed if alone else followed.but(output=None, source_map=None, delivery=None)
        if bar:
            bar.clear()
        self.reporter.notes += writer.finish()

    def _published(self, outcomes: Iterable[Outcome], refused: set[str]) -> Iterable[Outcome]:
        """The outcomes, whose parts are published where that is asked for: before any file names them; refused where that fails."""
        publish = self.request.publish
        if publish is None or self.request.shows:
            return outcomes
        from butane_py.deliver.model import DeliveryError

        found = self._split(list(outcomes))
        parts = {
            each.name: each.delivery.parts for each in found if each.delivery is not None and each.name not in refused
        }
        try:
            self.reporter.published = publish(parts)
        except DeliveryError as error:
            self._failures.append(
                Entry(ERROR, "publish", error.message, Place((), source=self.request.config), error.hint)
            )
            return [each.refused() if each.delivery is not None and each.delivery.parts else each for each in found]
        return found

    def _split(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes, with what hosts have in common in one part where that is asked for."""
        wish = self.request.wish
        if wish is None or not wish.split:
            return outcomes
        from butane_py.deliver.common import split_common

        found = split_common({each.name: each.delivery for each in outcomes if each.delivery is not None}, wish)
        return [each.but(delivery=found.get(each.name)) for each in outcomes]

    def _sharing(self, subjects: list[Subject]) -> set[str]:
        """The hosts that have a value in common which has to be unique."""
        inventory = self.inventory
        if inventory is None:
            return set()
        names = [subject.name for subject in subjects]
        values = {name: host_values(inventory, inventory.hosts[name], self._outside) for name in names}
        return sharing(self.programs.values(), values)
