"""Configs in a version of the Ignition language that their recipient reads: converted down where nothing is lost."""

from __future__ import annotations

from butane_py.deliver.recipients import Recipient
from ignition_py.report.catalog import FCOS, declare
from ignition_py.report.diag import ERROR, WARNING, Entry, Report
from ignition_py.spec.downgrade import convert
from ignition_py.spec.tables import VERSIONS, Config

NAMES = {minor: name for name, minor in VERSIONS.items()}

declare(
    "spec-too-new",
    title="The config needs a newer Ignition than it goes to",
    why="What reads the config knows versions of the Ignition language up to one that is older than the config, and the config has "
    "something that the older version cannot say. It would be refused, often only when a machine boots.",
    fix="Remove what needs the newer version, or use a newer release of what reads the config.",
    wrong="storage:\n  luks:\n    - name: data\n      device: /dev/vdb\n      discard: true\n",
    right="storage:\n  luks:\n    - name: data\n      device: /dev/vdb\n",
    row=FCOS,
    recipient="debian:12",
)


def fitted(config: Config, spec: int, recipient: Recipient) -> tuple[Config, int, Report]:
    """The config in a version that the recipient reads, that version, and what it cannot say.

    `spec` is the minor version of the config. A config that cannot be converted comes back as it is, with a report of errors, or of
    warnings where it is not sure what the recipient reads.
    """
    most = recipient.spec
    if most is None or spec <= most:
        return config, spec, Report()
    found, problems = convert(config, spec, most)
    if found is not None:
        return found, most, Report()
    return config, spec, Report([_too_new(entry, config, spec, recipient) for entry in problems])


def _too_new(entry: Entry, config: Config, spec: int, recipient: Recipient) -> Entry:
    """The error of the conversion in terms of who reads the config."""
    assert recipient.spec is not None
    path = entry.place.path
    needed = next((minor for minor in range(recipient.spec + 1, spec) if not _reported(convert(config, spec, minor)[1], entry)), spec)
    what = ".".join(map(str, path)) or "the config"
    message = f"{what} needs Ignition {NAMES[needed]}; {recipient.reader} reads up to {NAMES[recipient.spec]}"
    outer = recipient.consumer is not None and recipient.consumer.outer
    through = f", or give --form wrapped, which {recipient.reader} does not look into" if outer else ""
    hint = f"leave it out, or use a newer release{through} ({entry.message})"
    return Entry(ERROR if recipient.reads_surely else WARNING, "spec-too-new", message, entry.place, hint)


def _reported(report: Report, entry: Entry) -> bool:
    return any(each.place == entry.place and each.code == entry.code for each in report)
