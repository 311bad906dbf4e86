"""Codes of the Fedora CoreOS sections (boot_device, grub) and of its own partitions."""

from __future__ import annotations

from butane_py.codes.code import Code, disk

_STRICT = "fcos 1.8.0-experimental"
_CEX = "boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n"

FEDORA_COREOS = (
    Code("mirror-devices", "A mirror of one device", "A mirror needs at least two devices.",
         "boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda]\n", "boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n"),
    Code("mirror-layout", "A mirror without a layout", "Which partitions the disks get depends on the kind of machine. x86_64 is assumed; say so.",
         "boot_device:\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n", "boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/sda, /dev/sdb]\n"),
    Code("layout-unknown", "A layout is unknown", "x86_64, aarch64, ppc64le and, by version, those of s390x.",
         "boot_device:\n  layout: riscv64\n", "boot_device:\n  layout: aarch64\n"),
    Code("layout-device-missing", "A layout without its device", "On s390x, ECKD and zFCP disks have to be named.",
         "boot_device:\n  layout: s390x-zfcp\n  luks:\n    tpm2: true\n", "boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n"),
    Code("layout-device-name", "A device does not fit the layout", "ECKD disks are /dev/dasda and so on, zFCP disks /dev/sda and so on.",
         "boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/dasda\n    tpm2: true\n",
         "boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n"),
    Code("layout-mirror", "A boot disk of s390x cannot be mirrored", "Mirroring is not supported there.",
         "boot_device:\n  layout: s390x-virt\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n",
         "boot_device:\n  layout: x86_64\n  mirror:\n    devices: [/dev/vda, /dev/vdb]\n"),
    Code("luks-method-missing", "Nothing opens the root volume", "A device is given, and none of tang, tpm2 and cex.",
         "boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n",
         "boot_device:\n  layout: s390x-zfcp\n  luks:\n    device: /dev/sda\n    tpm2: true\n", _STRICT),
    Code("cex-architecture", "CEX on another architecture", "IBM Crypto Express cards are a feature of s390x.",
         "boot_device:\n  layout: x86_64\n  luks:\n    cex:\n      enabled: true\n", _CEX),
    Code("cex-kernel-argument", "CEX without its kernel argument", "The kernel has to be told where the key is.",
         _CEX, _CEX + "openshift:\n  kernel_arguments: [rd.luks.key=/etc/luks/cex.key]\n", "openshift 4.19.0"),
    Code("grub-user-name", "A boot loader user without a name", "The user needs a name.",
         "grub:\n  users:\n    - password_hash: grub.pbkdf2.x\n", "grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.x\n"),
    Code("grub-user-password", "A boot loader user without a password", "The user needs a password_hash, made by grub2-mkpasswd-pbkdf2.",
         "grub:\n  users:\n    - name: root\n", "grub:\n  users:\n    - name: root\n      password_hash: grub.pbkdf2.x\n"),
    Code("partition-reserved", "A label of the image's own partitions", "The image has a partition of this label under another number; this makes a second one.",
         disk("partitions:\n  - label: boot\n    number: 5\n"), disk("partitions:\n  - label: data\n    number: 5\n")),
    Code("root-small", "The root partition is small", "Updates need room: 8 GiB at least.",
         disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 4096\n"), disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 8192\n")),
    Code("root-constrained", "The root partition cannot grow", "It fills what is free, and another partition without a start comes after it. Give one of the two a size or a start.",
         disk("partitions:\n  - label: root\n    number: 4\n  - label: data\n    number: 5\n    size_mib: 100\n"),
         disk("partitions:\n  - label: root\n    number: 4\n    size_mib: 10000\n  - label: data\n    number: 5\n")),
)  # fmt: skip
