"""Codes of the Fedora CoreOS sections (boot_device, grub) and of its own partitions."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import disk

_STRICT = "fcos 1.8.0-experimental"

_CEX = "boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n"

declare(
    "mirror-devices",
    title="A mirror of one device",
    why="A mirror needs at least two devices.",
    wrong="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
)

declare(
    "mirror-layout",
    title="A mirror without a layout",
    why="Which partitions the disks get depends on the kind of machine. x86_64 is assumed; say so.",
    wrong="boot_device:\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
    severity=WARNING,
)

declare(
    "layout-unknown",
    title="A layout is unknown",
    why="x86_64, aarch64, ppc64le and, by version, those of s390x.",
    wrong="boot_device:\n  layout: riscv64\n",
    right="boot_device:\n  layout: aarch64\n",
)

declare(
    "layout-device-missing",
    title="A layout without its device",
    why="On s390x, ECKD and zFCP disks have to be named.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    tpm2: true\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
)

declare(
    "layout-device-name",
    title="A device does not fit the layout",
    why="ECKD disks are /dev/dasda and so on, zFCP disks /dev/sda and so on.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/dasda\n    tpm2: true\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
)

declare(
    "layout-mirror",
    title="A boot disk of s390x cannot be mirrored",
    why="Mirroring is not supported there.",
    wrong="boot_device:\n  layout: s390x-virt\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
)

declare(
    "luks-method-missing",
    title="Nothing opens the root volume",
    why="A device is given, and none of tang, tpm2 and cex.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
    row=_STRICT,
)

declare(
    "cex-architecture",
    title="CEX on another architecture",
    why="IBM Crypto Express cards are a feature of s390x.",
    wrong="boot_device:\n  layout: x86_64\n  luks:\n    cex:\n      enabled: true\n",
    right=_CEX,
)

declare(
    "cex-kernel-argument",
    title="CEX without its kernel argument",
    why="The kernel has to be told where the key is.",
    wrong=_CEX,
    right=_CEX + "openshift:\n  kernel_arguments: [rd.luks.key=/etc/luks/cex.key]\n",
    row="openshift 4.19.0",
)

declare(
    "grub-user-name",
    title="A boot loader user without a name",
    why="The user needs a name.",
    wrong="grub:\n  users:\n    - password_hash: grub.pbkdf2.x\n",
    right="grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.x\n",
)

declare(
    "grub-user-password",
    title="A boot loader user without a password",
    why="The user needs a password_hash, made by grub2-mkpasswd-pbkdf2.",
    wrong="grub:\n  users:\n    - name: root\n",
    right="grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.x\n",
)

declare(
    "partition-reserved",
    title="A label of the image's own partitions",
    why="The image has a partition of this label under another number; this makes a second one.",
    wrong=disk("partitions:\n  - label: boot\n    number: 5\n"),
    right=disk("partitions:\n  - label: data\n    number: 5\n"),
    severity=WARNING,
)

declare(
    "root-small",
    title="The root partition is small",
    why="Updates need room: 8 GiB at least.",
    wrong=disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 4096\n"),
    right=disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 8192\n"),
    severity=WARNING,
)

declare(
    "root-constrained",
    title="The root partition cannot grow",
    why="It fills what is free, and another partition without a start comes after it. Give one of the two a size or a start.",
    wrong=disk("partitions:\n  - label: root\n    number: 4\n  - label: data\n    number: 5\n    size_mib: 100\n"),
    right=disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 10000\n  - label: data\n    number: 5\n"),
    severity=WARNING,
)
