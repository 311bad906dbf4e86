"""The rules of the Ignition language on the compiled config, with what Butane 0.29.0 holds against the Ignition of its time.

Paths are output paths; they are taken back to the YAML text.
"""

from __future__ import annotations

from butane_py.compilation import Compilation
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR
from ignition_py.report.examples import partition

_VIRTIOFS = "virtiofs"
_UNKNOWN = "virtiofs of a host"  # no format


def check_ignition(work: Compilation) -> None:
    """The rules of the Ignition language, as the reference has them: it was released before virtiofs was."""
    from ignition_py.spec.rules.all import validate

    config = work.output
    filesystems = config.storage.filesystems
    shares = not work.options.at_boot and any(each.format == _VIRTIOFS for each in filesystems)
    checked = config
    if shares:
        unknown = tuple([each.but(format=_UNKNOWN) if each.format == _VIRTIOFS else each for each in filesystems])
        checked = config.but(storage=config.storage.but(filesystems=unknown))
    for finding in validate(checked, work.row.spec):
        if shares and finding.code == "format-unknown" and _UNKNOWN in finding.message:
            finding.message = "Butane 0.29.0 does not take the format virtiofs; Ignition takes it from 3.7.0-experimental on"
            finding.hint = "mount it with a .mount unit: Type=virtiofs, What=TAG"
        work.add_output_finding(config, finding)


@code(
    "partition-absent-unnumbered",
    title="Partitions have no number beside one that is deleted",
    why=(
        "Where a partition of a disk is deleted (should_exist: false), Butane cannot know which number is the next free "
        "one for the others."
    ),
    fix="Give every partition of the disk its number.",
    wrong=partition("number: 1, should_exist: false", "label: a"),
    right=partition("number: 1, should_exist: false", "number: 2, label: a"),
)
def check_absent_partitions(work: Compilation) -> None:
    """Refuses numbers left open beside a partition that is not to exist: Ignition did until 2.27, and Butane still does."""
    config = work.output
    for i, disk in enumerate(config.storage.disks):
        absent = any(part.should_exist is False for part in disk.partitions)
        if disk.device and absent and not all(part.number for part in disk.partitions):
            message = "where a partition is not to exist (should_exist: false), every partition of the disk needs its number"
            work.at_output(config, ERROR, "partition-absent-unnumbered", message, ("storage", "disks", i, "partitions"))
