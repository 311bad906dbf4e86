"""Codes of disks, partitions, filesystems, LUKS and RAID."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import array, disk, entry, filesystem, luks, partition

_TANG = "clevis:\n  tang:\n    - url: {}\n      thumbprint: {}"

declare(
    "device-missing",
    title="A device is missing",
    why="A disk and a LUKS volume need the device they are on.",
    wrong="storage:\n  disks:\n    - wipe_table: true\n",
    right=disk("wipe_table: true"),
)

declare(
    "partition-unnamed",
    title="A partition without number and label",
    why="A partition is found again by its number or its label.",
    wrong=partition("size_mib: 100"),
    right=partition("number: 1, size_mib: 100"),
)

declare(
    "partition-number-twice",
    title="Two partitions have one number",
    why="Numbers of a disk's partitions differ; 0 means the next free one.",
    wrong=partition("number: 1, size_mib: 10", "number: 1, label: b"),
    right=partition("number: 1, size_mib: 10", "number: 2, label: b"),
)

declare(
    "partition-label-twice",
    title="Two partitions have one label",
    why="Labels of a disk's partitions differ.",
    wrong=partition("number: 1, label: a, size_mib: 10", "number: 2, label: a"),
    right=partition("number: 1, label: a, size_mib: 10", "number: 2, label: b"),
)

declare(
    "partition-label-long",
    title="A partition's label is too long",
    why="A GPT entry has room for 36 characters.",
    wrong=partition(f"number: 1, label: {'x' * 37}"),
    right=partition(f"number: 1, label: {'x' * 36}"),
)

declare(
    "partition-label-colon",
    title="A partition's label has a colon",
    why="The tool that writes the table cannot pass colons.",
    wrong=partition("number: 1, label: 'a:b'"),
    right=partition("number: 1, label: a-b"),
)

declare(
    "partition-absent-with-fields",
    title="A partition that is not to exist has more than a number",
    why="With should_exist: false the partition is deleted, so nothing else about it can matter.",
    wrong=partition("number: 1, should_exist: false, label: a"),
    right=partition("number: 1, should_exist: false"),
)

declare(
    "partition-absent-unnumbered",
    title="Partitions without numbers beside one that is deleted",
    why="Where a partition is deleted, every partition of "
    "the disk needs its number: which ones are free is not known before.",
    wrong=partition("number: 1, should_exist: false", "label: a"),
    right=partition("number: 1, should_exist: false", "number: 2, label: a"),
)

declare(
    "partitions-overlap",
    title="Partitions overlap",
    why="The start and size of two partitions give common sectors.",
    wrong=partition("number: 1, start_mib: 1, size_mib: 100", "number: 2, start_mib: 50, size_mib: 100"),
    right=partition("number: 1, start_mib: 1, size_mib: 100", "number: 2, start_mib: 101, size_mib: 100"),
)

declare(
    "guid-malformed",
    title="A GUID cannot be read",
    why="A GUID is written as 32 hexadecimal digits in five groups.",
    wrong=partition("number: 1, guid: 1234"),
    right=partition("number: 1, guid: 01234567-89AB-CDEF-0123-456789ABCDEF"),
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
    "format-missing",
    title="A filesystem without a format",
    why="The format is needed as soon as anything but the device is given.",
    wrong=filesystem("path: /var/data"),
    right=filesystem("format: ext4\npath: /var/data"),
)

declare(
    "format-unknown",
    title="A filesystem's format is unknown",
    why="ext4, btrfs, xfs, vfat, swap and, by version, none and virtiofs.",
    wrong=filesystem("format: ext3"),
    right=filesystem("format: ext4"),
)

declare(
    "filesystem-label-long",
    title="A filesystem's label is too long",
    why="How long a label may be depends on the format.",
    wrong=filesystem("format: xfs\nlabel: thirteen-long"),
    right=filesystem("format: xfs\nlabel: twelve-chars"),
)

declare(
    "label-without-format",
    title="A label without a format",
    why="Which tool sets the label depends on the format.",
    wrong=filesystem("label: data"),
    right=filesystem("format: ext4\nlabel: data"),
)

declare(
    "filesystem-on-partitioned",
    title="A filesystem on a partitioned disk",
    why="The filesystem is on the disk itself, which has partitions in this config.",
    wrong="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n      partitions: [{number: 1}]\n  filesystems:\n    - device: /dev/sda\n      format: ext4\n",
    right="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n      partitions: [{number: 1}]\n  filesystems:\n    - device: /dev/sda1\n      format: ext4\n",
    severity=WARNING,
)

declare(
    "filesystem-wiped",
    title="A filesystem is wiped with the table",
    why="wipe_table takes the filesystem with it; say so with wipe_filesystem.",
    wrong="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n  filesystems:\n    - device: /dev/sda\n      format: ext4\n",
    right="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n  filesystems:\n    - device: /dev/sda\n      format: ext4\n      wipe_filesystem: true\n",
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

declare("virtiofs-tag-long", title="A virtiofs tag is too long", why="The tag of a share has at most 36 bytes.")

declare("virtiofs-uuid", title="A UUID for virtiofs", why="A share is the host's directory and has no UUID.")

declare("virtiofs-wipe", title="virtiofs cannot be wiped", why="A share is the host's directory.")

declare(
    "virtiofs-options",
    title="virtiofs takes no mkfs options",
    why="A share is not made by mkfs; mount_options are taken.",
)

declare("virtiofs-label", title="A label for virtiofs", why="A share has no label.")

declare(
    "raid-level-missing",
    title="An array without a level",
    why="An array needs its level.",
    wrong=array("devices: [/dev/sda, /dev/sdb]"),
    right=array("level: raid1\ndevices: [/dev/sda, /dev/sdb]"),
)

declare(
    "raid-level-unknown",
    title="An array's level is unknown",
    why="linear, raid0, raid1, raid4, raid5, raid6, raid10 and their short names.",
    wrong=array("level: raid2\ndevices: [/dev/sda, /dev/sdb]"),
    right=array("level: raid1\ndevices: [/dev/sda, /dev/sdb]"),
)

declare(
    "raid-devices-missing",
    title="An array without devices",
    why="An array needs its devices.",
    wrong=array("level: raid1"),
    right=array("level: raid1\ndevices: [/dev/sda, /dev/sdb]"),
)

declare(
    "raid-spares",
    title="Spares without redundancy",
    why="An array without redundancy cannot use spares.",
    wrong=array("level: raid0\ndevices: [/dev/sda, /dev/sdb]\nspares: 1"),
    right=array("level: raid1\ndevices: [/dev/sda, /dev/sdb]\nspares: 1"),
)

declare(
    "luks-name-slash",
    title="A volume's name has a slash",
    why="The name becomes a file in /dev/mapper.",
    wrong=entry("storage", "luks", "name: a/b\ndevice: /dev/sda1"),
    right=luks("label: data"),
)

declare(
    "luks-label-long",
    title="A volume's label is too long",
    why="A LUKS2 header has room for 47 bytes.",
    wrong=luks(f"label: {'x' * 48}"),
    right=luks("label: data"),
)

declare(
    "luks-key-file",
    title="A key file cannot be fetched",
    why="The source of the key file is not a URL that Ignition fetches.",
    wrong=luks("key_file:\n  source: ftp://example.com/key"),
    right=luks("key_file:\n  source: https://example.com/key"),
)

declare(
    "clevis-custom",
    title="A custom pin beside others",
    why="A custom pin configures everything itself.",
    wrong=luks("clevis:\n  tpm2: true\n  custom:\n    pin: sss\n    config: '{}'"),
    right=luks("clevis:\n  custom:\n    pin: sss\n    config: '{}'"),
)

declare(
    "clevis-pin-missing",
    title="A custom pin without a name",
    why="The pin is missing.",
    wrong=luks("clevis:\n  custom:\n    config: '{}'"),
    right=luks("clevis:\n  custom:\n    pin: sss\n    config: '{}'"),
)

declare(
    "clevis-pin-unknown",
    title="A custom pin is unknown",
    why="tpm2, tang or sss.",
    wrong=luks("clevis:\n  custom:\n    pin: yubikey\n    config: '{}'"),
    right=luks("clevis:\n  custom:\n    pin: sss\n    config: '{}'"),
)

declare(
    "clevis-config-missing",
    title="A custom pin without its configuration",
    why="The configuration of the pin is missing.",
    wrong=luks("clevis:\n  custom:\n    pin: sss"),
    right=luks("clevis:\n  custom:\n    pin: sss\n    config: '{}'"),
)

declare(
    "tang-scheme",
    title="A Tang server's URL has a strange scheme",
    why="Tang speaks http.",
    wrong=luks(_TANG.format("ftp://tang", "x")),
    right=luks(_TANG.format("http://tang", "x")),
)

declare(
    "tang-thumbprint-missing",
    title="A Tang server without a thumbprint",
    why="Without the thumbprint of its key, anybody could be the server.",
    wrong=luks("clevis:\n  tang:\n    - url: http://tang"),
    right=luks(_TANG.format("http://tang", "x")),
)

declare(
    "tang-advertisement",
    title="A Tang advertisement is not JSON",
    why="The advertisement is what the server answers at /adv, as it is.",
    wrong=luks(_TANG.format("http://tang", "x") + "\n      advertisement: hello"),
    right=luks(_TANG.format("http://tang", "x")),
)

declare(
    "cex-clevis",
    title="CEX and Clevis together",
    why="A volume is opened by a CEX key or by Clevis.",
    wrong=luks("cex:\n  enabled: true\nclevis:\n  tpm2: true"),
    right=luks("cex:\n  enabled: true"),
)

declare(
    "cex-key-file",
    title="CEX and a key file together",
    why="A CEX key is made by the card.",
    wrong=luks("cex:\n  enabled: true\nkey_file:\n  source: https://example.com/key"),
    right=luks("cex:\n  enabled: true"),
)
