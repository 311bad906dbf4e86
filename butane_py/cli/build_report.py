"""What a build tells: one report of all hosts, with what many have in common printed once, and a line that sums up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from butane_py import render
from butane_py.cli.one import BAD, CHECKED, UNCHANGED, WRITTEN
from butane_py.compilation import Options
from butane_py.fleet.hosts import Combined
from butane_py.fleet.inventory.document import Document
from butane_py.fleet.outcomes import Outcome
from butane_py.fleet.program import Program
from ignition_py.report.diag import Report
from ignition_py.system.streams import say

if TYPE_CHECKING:
    from butane_py.cli.building import Request
    from butane_py.cli.delivered import Deliveries
    from butane_py.deliver.publish.publishing import Published

_MOST_ALIKE = 20  # entries of one code that are shown to people


class Reporter:
    """Collects the reports of one build, and prints them at its end."""

    def __init__(self, request: Request, programs: Mapping[str, Program]) -> None:
        """`programs`: by the name of the main file; those of the build are added as they are read."""
        self._programs = programs
        self._request = request
        self._job = request.job
        self._combined = Combined()
        self._name = request.config  # what the report as a whole is called
        self.counts = dict.fromkeys((WRITTEN, UNCHANGED, CHECKED, BAD), 0)
        self.documents: list[Document] = []  # inventories and files of variables
        self.notes: list[str] = []
        self.reads: set[str] = set()  # the files that the hosts' configs are made of
        self._deliveries: Deliveries | None = None
        if request.wish is not None and not request.shows:
            from butane_py.cli.delivered import Deliveries

            self._deliveries = Deliveries(request.wish)
        self.published: Published | None = None
        self._unused: set[str] = set()
        self._used: set[str] = set()

    def add(self, outcome: Outcome, state: str) -> None:
        """Adds what came of one host."""
        self.counts[state] += 1
        self.reads.update(outcome.result.reads)
        self._unused.update(outcome.result.unused)
        self._used.update(outcome.used)
        if self._deliveries is not None and outcome.delivery is not None:
            self._deliveries.add(outcome.name, outcome.delivery)
        self._name = self._name or outcome.source
        self._combined.add(outcome.name, outcome.result)

    def refuse(self, report: Report) -> None:
        """Prints a report of what no host's config is about: nothing is compiled."""
        self._tell(report, to_stdout=False)

    @property
    def unused(self) -> set[str]:
        """The names of given values that no file of any host declares."""
        return self._unused - self._used

    def finish(self, more: Report, *, to_stdout: bool) -> bool:
        """Prints all reports, with `more` that is about no single host. True if one of the entries is an error.

        `to_stdout`: a config goes to standard output.
        """
        report = Report([*more, *self._combined.report()])
        if not self._request.shows or len(report):
            self._tell(report, to_stdout=to_stdout)
        if self._job.style == "text":
            self._sum_up(to_stdout=to_stdout)
        return report.fatal

    def _tell(self, report: Report, *, to_stdout: bool) -> None:
        job, name = self._job, self._name or "butane-py build"
        if job.style == "sarif":
            from ignition_py.report.sarif import sarif

            job.tell(sarif([(name, report)]), config_to_stdout=to_stdout)
        elif job.style == "json":
            deliveries = self._deliveries.data() if self._deliveries is not None else None
            published = self._request.publish.data(self.published) if self._request.publish and self.published else None
            job.tell(
                render.json_line(name, report, deliveries=deliveries, published=published), config_to_stdout=to_stdout
            )
        elif len(report):
            shown, left = _first(report)
            say(render.pretty_of(shown, self._text, colour=job.colour))
            say("".join(f"{count:,} more of {code}\n" for code, count in left.items()))
            say(f"{name}: {render.summary(report)}\n")

    def _text(self, name: str) -> bytes | None:
        """The text of a file as a report may show it: values of secrets are masked."""
        for program in self._programs.values():
            text = program.shown_text(name)
            if text is not None:
                return text
        document = next((each for each in self.documents if each.name == name), None)
        if document is None and name in self.reads:
            return _read(name)  # a process that compiles has read it
        if document is None or document.hidden or not self._programs:
            return None  # it is secret, or which of its values are is not known
        declarations = [each for program in self._programs.values() for each in program.declarations.values()]
        return document.masked(document.named({each.name for each in declarations if each.secret}))

    def _sum_up(self, *, to_stdout: bool) -> None:
        """The line of counts, where there are files or several hosts to count; and the notes."""
        for line in self._deliveries.lines() if self._deliveries is not None else ():
            say(line)
        for line in self._request.publish.lines(self.published) if self._request.publish and self.published else ():
            say(f"{line}\n")
        for note in self.notes:
            say(f"{note}\n")
        total = sum(self.counts.values())
        if total and (self._request.inventories or self._request.output_dir) and not (to_stdout or self._request.shows):
            sums = ", ".join(f"{count:,} {state}" for state, count in self.counts.items() if count)
            say(f"{total:,} config{'s' * (total != 1)}: {sums}\n")


def _read(name: str) -> bytes | None:
    """The text of a file of a build as a report may show it."""
    try:
        return Program.load(name, Options()).shown_text(name)
    except OSError:
        return None


def _first(report: Report) -> tuple[Report, dict[str, int]]:
    """The entries that are shown to people, of each code only the first ones; how many more there are of each code."""
    seen: dict[str, int] = {}
    shown = Report()
    for entry in report:
        seen[entry.code] = seen.get(entry.code, 0) + 1
        if seen[entry.code] <= _MOST_ALIKE:
            shown.entries.append(entry)
    return shown, {code: count - _MOST_ALIKE for code, count in seen.items() if count > _MOST_ALIKE}
