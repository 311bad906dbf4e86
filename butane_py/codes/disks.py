"""Codes of disks, partitions, filesystems, LUKS and RAID."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import disk, filesystem, partition

_TANG = "clevis:\n  tang:\n    - url: {}\n      thumbprint: {}"

declare(
    "partition-absent-unnumbered",
    title="Partitions without numbers beside one that is deleted",
    why="Where a partition is deleted, every partition of "
    "the disk needs its number: which ones are free is not known before.",
    wrong=partition("number: 1, should_exist: false", "label: a"),
    right=partition("number: 1, should_exist: false", "number: 2, label: a"),
)

declare(
    "partition-reuse-label",
    title="A partition is to be found by its label alone",
    why="On a disk that keeps its table, a partition with a label and no "
    "number is added again on every run. Give the number, or wipe_table.",
    wrong=disk("partitions:\n  - label: data\n"),
    right=disk("partitions:\n  - label: data\n    number: 1\n"),
    severity=WARNING,
)

declare(
    "mount-unit-format",
    title="A mount unit without a format",
    why="A mount unit names the type of the filesystem.",
    wrong=filesystem("path: /var/data\nwith_mount_unit: true"),
    right=filesystem("path: /var/data\nformat: ext4\nwith_mount_unit: true"),
)

declare(
    "mount-unit-path",
    title="A mount unit without a path",
    why="A mount unit needs the mount point.",
    wrong=filesystem("format: ext4\nwith_mount_unit: true"),
    right=filesystem("path: /var/data\nformat: ext4\nwith_mount_unit: true"),
)

declare(
    "mount-point-forbidden",
    title="Nothing can be mounted there",
    why="On Fedora CoreOS only what is below /etc and /var can be mounted by units of a config.",
    wrong=filesystem("path: /opt\nformat: ext4\nwith_mount_unit: true"),
    right=filesystem("path: /var/opt\nformat: ext4\nwith_mount_unit: true"),
)
