"""Codes of the Fedora CoreOS sections (boot_device, grub) and of its own partitions."""

from __future__ import annotations

from ignition_py.report.catalog import declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import disk

_STRICT = "fcos 1.8.0-experimental"

_CEX = "boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n"

declare(
    "mirror-devices",
    title="A mirror has one device only",
    why="A mirror keeps the same data on several disks; with a single one there is no copy.",
    fix="List at least two devices, or remove mirror.",
    wrong="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
)

declare(
    "mirror-layout",
    title="A mirror has no layout",
    why=(
        "Which partitions each disk of the mirror gets depends on the kind of machine. Without layout x86_64 is assumed, "
        "which does not boot elsewhere; from fcos 1.7.0 on this is an error."
    ),
    fix="Add boot_device.layout, such as layout: x86_64.",
    wrong="boot_device:\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n",
    severity=WARNING,
)

declare(
    "layout-unknown",
    title="The layout is unknown",
    why=(
        "The layout names the kind of machine, which decides the partitions of its boot disk: aarch64, ppc64le, x86_64 "
        "and, from fcos 1.6.0 on, those of s390x."
    ),
    fix="Write one of the layouts that the message lists.",
    wrong="boot_device:\n  layout: riscv64\n",
    right="boot_device:\n  layout: aarch64\n",
)

declare(
    "layout-device-missing",
    title="The layout needs a device",
    why="On s390x the boot disk of an ECKD or zFCP layout cannot be found by itself.",
    fix="Add boot_device.luks.device, such as /dev/dasda (ECKD) or /dev/sda (zFCP).",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    tpm2: true\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
)

declare(
    "layout-device-name",
    title="The device does not fit the layout",
    why=(
        "Disks of s390x-eckd are /dev/dasda and so on, disks of s390x-zfcp /dev/sda and so on; another name is a disk of "
        "another kind."
    ),
    fix="Correct the device or the layout.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/dasda\n    tpm2: true\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
)

declare(
    "layout-mirror",
    title="A boot disk of s390x is to be mirrored",
    why="Fedora CoreOS has no mirrored boot disks on s390x.",
    fix="Remove mirror, or choose the layout of another architecture.",
    wrong="boot_device:\n  layout: s390x-virt\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
    right="boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
)

declare(
    "luks-method-missing",
    title="Nothing opens the root volume",
    why="A device for LUKS is given, but none of tang, tpm2 and cex, so no key would open the volume at boot.",
    fix="Add tang, tpm2: true or cex to boot_device.luks, or remove device.",
    wrong="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n",
    right="boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n",
    row=_STRICT,
)

declare(
    "cex-architecture",
    title="CEX is used on another architecture",
    why="IBM Crypto Express cards exist in s390x machines only.",
    fix="Set boot_device.layout to one of s390x, or remove cex.",
    wrong="boot_device:\n  layout: x86_64\n  luks:\n    cex:\n      enabled: true\n",
    right=_CEX,
)

declare(
    "cex-kernel-argument",
    title="CEX is used without its kernel argument",
    why=(
        "The initramfs opens the root volume with the key that a kernel argument names; without it the second boot "
        "cannot."
    ),
    fix="Add rd.luks.key=/etc/luks/cex.key to openshift.kernel_arguments.",
    wrong=_CEX,
    right=_CEX + "openshift:\n  kernel_arguments: [rd.luks.key=/etc/luks/cex.key]\n",
    row="openshift 4.19.0",
)

declare(
    "grub-user-name",
    title="A user of the boot loader has no name",
    why="GRUB asks for a name and a password before it lets anybody edit its entries.",
    fix="Add name, such as name: root.",
    wrong="grub:\n  users:\n    - password_hash: grub.pbkdf2.x\n",
    right="grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.x\n",
)

declare(
    "grub-user-password",
    title="A user of the boot loader has no password",
    why="GRUB asks for a name and a password before it lets anybody edit its entries.",
    fix="Add password_hash, the output of grub2-mkpasswd-pbkdf2.",
    wrong="grub:\n  users:\n    - name: root\n",
    right="grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.x\n",
)

declare(
    "partition-reserved",
    title="A partition has the label of one of the image's own",
    why=(
        "The image has a partition of this label under another number. A second one makes it a matter of chance which is "
        "found, and the machine may not boot."
    ),
    fix="Use another label, or the number that the message names.",
    wrong=disk("partitions:\n  - label: boot\n    number: 5\n"),
    right=disk("partitions:\n  - label: data\n    number: 5\n"),
    severity=WARNING,
)

declare(
    "root-small",
    title="The root partition is small",
    why=(
        "The root filesystem holds two versions of the system while it is updated. With less than 8 GiB updates fail "
        "sooner or later."
    ),
    fix="Set size_mib of root to 8192 or more.",
    wrong=disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 4096\n"),
    right=disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 8192\n"),
    severity=WARNING,
)

declare(
    "root-constrained",
    title="The root partition cannot grow",
    why=(
        "Without a size, root takes what is free on the disk, and another partition without a start takes space right "
        "behind it."
    ),
    fix="Give root a size_mib (8192 or more), or the other partition a start_mib.",
    wrong=disk("partitions:\n  - label: root\n    number: 4\n  - label: data\n    number: 5\n    size_mib: 100\n"),
    right=disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 10000\n  - label: data\n    number: 5\n"),
    severity=WARNING,
)
