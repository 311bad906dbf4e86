"""What Terraform, Ansible and the `external` protocol have in common: a text and settings in, what a machine gets or a report out."""

from __future__ import annotations

from butane_py.deliver.forms import IGNITION
from butane_py.deliver.host import deliver
from butane_py.deliver.secrets.entries import secret_paths, tainted_entries
from butane_py.deliver.secrets.modes import Keeping
from butane_py.deliver.wishes import wished
from butane_py.fleet.result import HostResult
from butane_py.fleet.texts import Text, TextBuild
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, INFO, WARNING, Entry, Report

declare(
    "secret-unmarked",
    title="The config holds secrets, and the result is not marked as one",
    why="Plans, outputs and logs would show it. What is made of a variable with secret: true, or of secret_vars, is a secret.",
    fix="Use what marks the result: the data source butane_sensitive_config; with butane-py external, secrets=inline and sensitive().",
)


class Handover(Record):
    """What came of a text. output: what the compiler writes, None where the text is refused.

    user_data: what a machine is to be given, in the first form that its platform takes; without a platform the same as `output`.
    """

    output: str | None
    report: Report
    build: TextBuild
    _: KW_ONLY
    user_data: str = ""

    HIDDEN = ("output", "user_data", "build")

    def pretty(self) -> str:
        """The report with the lines that it speaks of, secrets masked."""
        return self.build.pretty(self.report)

    def excerpt(self, entry: Entry) -> str:
        """The lines that an entry speaks of and its way out, without its message."""
        return self.build.pretty(Report([entry])).partition("\n")[2].rstrip("\n")

    @property
    def warnings(self) -> list[str]:
        """The warnings, a line each."""
        return self.lines(WARNING)

    def lines(self, severity: str) -> list[str]:
        """The entries of a severity, a line each."""
        return [line(entry) for entry in self.report if entry.severity == severity]


def hand_over(text: Text, *, strict: bool = False, marked: bool = False, recipient: str = "", secrets: str = "") -> Handover:
    """Compiles a text.

    strict: warnings are errors. marked: the caller marks the result as a secret; else one that holds secrets is refused. recipient: the
    platform or consumer that gets the config, as of --for. secrets: what is done with secrets in its user data, as of --secrets.

    Raises DeliveryError for an unknown recipient, TypeError for a value of a variable that no JSON could have, ConfigError for linter
    settings that cannot be used.
    """
    wish = wished(recipient, "", IGNITION, secrets=Keeping(secrets)) if recipient else None
    build = TextBuild(text)
    result = build.result
    report = Report(result.report)
    if not marked and result.output is not None:
        report.merge(_unmarked(result))
    delivery = None
    if wish is not None and not report.fatal:
        delivery, found = deliver(wish, result, build.unpacked)
        report.merge(found)
    if strict:
        report = Report([entry.but(severity=ERROR) if entry.severity != INFO else entry for entry in report])
    output = None if report.fatal else result.output
    user_data = delivery.user_data.decode() if delivery is not None else output or ""
    return Handover(output, report, build, user_data=user_data)


def _unmarked(result: HostResult) -> Report:
    """An error for each entry that is made of secrets, where nobody marks the result."""
    work = result.compilation
    assert work is not None  # there is an output
    report = Report()
    for each in tainted_entries(work.output, secret_paths(result)):
        message = f"{each.name} is made of a secret, which the result would show"
        report.add(ERROR, "secret-unmarked", message, each.place, _WAY_OUT, related=each.related)
    return report


_WAY_OUT = "use the data source butane_sensitive_config, or with butane-py external secrets=inline and sensitive()"


def line(entry: Entry) -> str:
    """`FILE:LINE:COLUMN: MESSAGE`, with other places that the entry speaks of."""
    place = entry.place
    where = f"{place.source}:{place.line}:{place.column}" if place.line else place.source
    notes = "".join(f" ({each.message})" for each in entry.related)
    return f"{where}: {entry.message}{notes}".replace("\n", " ")
