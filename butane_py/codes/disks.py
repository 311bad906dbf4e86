"""Codes of disks, partitions, filesystems, LUKS and RAID."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import disk, filesystem, partition

declare(
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

declare(
    "partition-reuse-label",
    title="A partition can be found by its label only",
    why=(
        "On a disk that keeps its table, Ignition finds a partition without a number by its label only if the label is "
        "there already; otherwise each run adds another one."
    ),
    fix="Add number to the partition, or wipe_table: true to the disk (which erases its partitions).",
    wrong=disk("partitions:\n  - label: data\n"),
    right=disk("partitions:\n  - label: data\n    number: 1\n"),
    severity=WARNING,
)

declare(
    "mount-unit-format",
    title="A mount unit has no format",
    why="with_mount_unit writes a systemd unit that mounts the filesystem, and the unit names the type of the filesystem.",
    fix="Add format, such as format: xfs.",
    wrong=filesystem("path: /var/data\nwith_mount_unit: true"),
    right=filesystem("path: /var/data\nformat: ext4\nwith_mount_unit: true"),
)

declare(
    "mount-unit-path",
    title="A mount unit has no path",
    why="with_mount_unit writes a systemd unit that mounts the filesystem, and the unit has to say where.",
    fix="Add path, the mount point, such as path: /var/lib/data.",
    wrong=filesystem("format: ext4\nwith_mount_unit: true"),
    right=filesystem("path: /var/data\nformat: ext4\nwith_mount_unit: true"),
)

declare(
    "mount-point-forbidden",
    title="Nothing can be mounted there",
    why=(
        "On Fedora CoreOS the root directory cannot be changed and /usr is read-only, so units of a config can mount "
        "below /etc and /var only."
    ),
    fix="Mount below /var. Links lead there from /home, /opt, /srv, /mnt, /root and /usr/local already.",
    wrong=filesystem("path: /opt\nformat: ext4\nwith_mount_unit: true"),
    right=filesystem("path: /var/opt\nformat: ext4\nwith_mount_unit: true"),
)
