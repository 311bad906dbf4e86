"""What Terraform, Ansible and the `external` protocol have in common: a text and settings in, what a machine gets or a report out."""

from __future__ import annotations

from typing import Any

from butane_py.deliver.host import deliver
from butane_py.deliver.ladder import Wish
from butane_py.deliver.recipients import choose
from butane_py.fleet.result import HostResult
from butane_py.fleet.texts import Text, TextBuild
from ignition_py.record import KW_ONLY, Record
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, INFO, WARNING, Entry, Path, Place, Report, path_text

_MOST = 3  # paths that a sentence names

declare(
    "secret-unmarked",
    title="The config holds secrets, and the result is not marked as one",
    why="Plans, outputs and logs would show it. What is made of a variable with secret: true, or of secret_vars, is a secret.",
    fix="Use what marks the result: the data source butane_sensitive_config; with butane-py external, secrets=allow and sensitive().",
)


class Handover(Record):
    """What came of a text. output: what the compiler writes, None where the text is refused.

    user_data: what a machine is to be given, in the first form that its platform takes; without a platform the same as `output`.
    secrets: the paths in the output of what is made of secrets.
    """

    output: str | None
    report: Report
    build: TextBuild
    _: KW_ONLY
    user_data: str = ""
    secrets: tuple[str, ...] = ()

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


def hand_over(text: Text, *, strict: bool = False, secrets: bool = False, recipient: str = "") -> Handover:
    """Compiles a text.

    strict: warnings are errors. secrets: the caller marks the result as a secret; else one that holds secrets is refused. recipient: the
    platform or consumer that gets the config, as of --for.

    Raises DeliveryError for an unknown recipient, TypeError for a value of a variable that no JSON could have, ConfigError for linter
    settings that cannot be used.
    """
    wish = Wish(choose(recipient)) if recipient else None
    build = TextBuild(text)
    result = build.result
    report = Report(result.report)
    delivery = None
    if wish is not None and result.output is not None:
        delivery, found = deliver(wish, result, build.unpacked)
        report.merge(found)
    if strict:
        report = Report([entry.but(severity=ERROR) if entry.severity != INFO else entry for entry in report])
    paths = tuple(path_text(path).removeprefix("$.") for path in result.secrets if _value(result, path) not in (None, ""))
    if paths and not secrets and not report.fatal:
        more = f" and {len(paths) - _MOST} more" if len(paths) > _MOST else ""
        message = f"made of secrets, which the result would show: {', '.join(paths[:_MOST])}{more}"
        report.add(ERROR, "secret-unmarked", message, Place((), source=text.name), _WAY_OUT)
    output = None if report.fatal else result.output
    user_data = delivery.user_data.decode() if delivery is not None else output or ""
    return Handover(output, report, build, user_data=user_data, secrets=paths)


def _value(result: HostResult, path: Path) -> Any:
    """What stands at a path of the output."""
    value: Any = result.compilation.document if result.compilation is not None else None
    for part in path:
        value = value[part]
    return value


_WAY_OUT = "use butane_sensitive_config in Terraform, secrets=allow elsewhere, and keep the result out of logs"


def line(entry: Entry) -> str:
    """`FILE:LINE:COLUMN: MESSAGE`, with other places that the entry speaks of."""
    place = entry.place
    where = f"{place.source}:{place.line}:{place.column}" if place.line else place.source
    notes = "".join(f" ({each.message})" for each in entry.related)
    return f"{where}: {entry.message}{notes}".replace("\n", " ")
