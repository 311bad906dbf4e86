"""Codes of what a variant refuses: Flatcar, RHEL for Edge, Fedora IoT, OpenShift."""

from __future__ import annotations

from ignition_py.report.catalog import OPENSHIFT, declare
from ignition_py.report.diag import WARNING
from ignition_py.report.examples import filesystem, luks

_R4E = "r4e 1.1.0"

_CORE = "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n"

_FILE = "storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n"

declare(
    "no-clevis",
    title="Flatcar has no Clevis",
    why="This version of Flatcar has no program that opens volumes by Tang or TPM 2.0, so the machine could not boot.",
    fix="Use key_file, or flatcar 1.2.0-experimental.",
    wrong=luks("clevis:\n  tpm2: true"),
    right=luks("key_file:\n  inline: secret"),
    row="flatcar 1.1.0",
)

declare(
    "no-cex",
    title="Flatcar has no CEX",
    why="Flatcar has no support for IBM Crypto Express cards.",
    fix="Remove cex, and use key_file or clevis.",
    wrong=luks("cex:\n  enabled: true"),
    right=luks("key_file:\n  inline: secret"),
    row="flatcar 1.2.0-experimental",
)

declare(
    "no-kernel-arguments",
    title="The variant does not take kernel arguments",
    why="The system of this variant sets its kernel arguments when the image is built, not from a config.",
    fix="Remove kernel_arguments, and set them in the image's blueprint.",
    wrong="kernel_arguments:\n  should_exist: [quiet]\n",
    right=_FILE,
    row=_R4E,
)

declare(
    "no-disks",
    title="The variant does not partition disks",
    why="The image builder of this variant lays out the disks; at first boot they are in use already.",
    fix="Remove storage.disks, and describe the disks in the image's blueprint.",
    wrong="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n",
    right=_FILE,
    row=_R4E,
)

declare(
    "no-filesystems",
    title="The variant does not create filesystems",
    why="The image builder of this variant creates the filesystems; at first boot they are in use already.",
    fix="Remove storage.filesystems, and describe them in the image's blueprint.",
    wrong=filesystem("format: ext4"),
    right=_FILE,
    row=_R4E,
)

declare(
    "no-luks",
    title="The variant does not create LUKS volumes",
    why="The image builder of this variant encrypts disks; the config cannot.",
    fix="Remove storage.luks, and describe encryption in the image's blueprint.",
    wrong=luks("label: data"),
    right=_FILE,
    row=_R4E,
)

declare(
    "no-raid",
    title="The variant does not create RAID arrays",
    why="Systems of this variant do not support arrays that a config creates.",
    fix="Remove storage.raid.",
    wrong="storage:\n  raid:\n    - name: data\n      level: raid1\n      devices: [/dev/sda, /dev/sdb]\n",
    right=_FILE,
    row=_R4E,
)

declare(
    "metadata-name",
    title="A MachineConfig has no name",
    why="A MachineConfig is an object of Kubernetes, and each has a name.",
    fix="Add metadata.name, such as 99-worker-motd; the order of names decides which of several MachineConfigs wins.",
    wrong="metadata:\n  labels:\n    machineconfiguration.openshift.io/role: worker\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "metadata-role",
    title="A MachineConfig has no role",
    why=(
        "The label machineconfiguration.openshift.io/role tells which machines the MachineConfig is for. Without it none "
        "gets it."
    ),
    fix="Add the label to metadata.labels, with the value worker or master.",
    wrong="metadata:\n  name: example\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "kernel-type",
    title="The kernel type is unknown",
    why="OpenShift has two kernels: default and realtime.",
    fix="Write one of them, or remove kernel_type.",
    wrong="openshift:\n  kernel_type: fast\n",
    right="openshift:\n  kernel_type: realtime\n",
    row=OPENSHIFT,
)

declare(
    "field-elided",
    title="A field has no effect with --raw",
    why="The field is part of the MachineConfig, which --raw leaves out: only the Ignition config inside is written.",
    fix="Compile without --raw, or remove the field.",
    wrong="openshift:\n  fips: true\n",
    right=_FILE,
    row=OPENSHIFT,
    severity=WARNING,
    raw=True,
)

declare(
    "mco-kernel-arguments",
    title="Kernel arguments are in the wrong section",
    why="OpenShift takes kernel arguments from the MachineConfig, not from the Ignition config in it.",
    fix="Move them to openshift.kernel_arguments.",
    wrong="kernel_arguments:\n  should_exist: [quiet]\n",
    right="openshift:\n  kernel_arguments: [quiet]\n",
    row=OPENSHIFT,
)

declare(
    "mco-groups",
    title="OpenShift does not create groups",
    why="The machine-config operator refuses a config with groups, and the pool of machines is degraded.",
    fix="Remove passwd.groups.",
    wrong="passwd:\n  groups:\n    - name: app\n",
    right=_CORE,
    row=OPENSHIFT,
)

declare(
    "mco-user",
    title="OpenShift takes no user but core",
    why="The machine-config operator manages the user core only and refuses a config with others.",
    fix="Give the keys to the user core.",
    wrong="passwd:\n  users:\n    - name: admin\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n",
    right=_CORE,
    row=OPENSHIFT,
)

declare(
    "mco-user-field",
    title="OpenShift does not take this field of a user",
    why=(
        "The machine-config operator takes name, ssh_authorized_keys and, from 4.13 on, password_hash, and refuses other "
        "fields."
    ),
    fix="Remove the field.",
    wrong=_CORE + "      shell: /bin/zsh\n",
    right=_CORE,
    row=OPENSHIFT,
)

declare(
    "mco-directories",
    title="OpenShift does not create directories",
    why="The machine-config operator refuses a config with directories. It creates those that its files need.",
    fix="Remove storage.directories; write a file below, or a unit that creates the directory.",
    wrong="storage:\n  directories:\n    - path: /etc/app\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-links",
    title="OpenShift does not create links",
    why="The machine-config operator refuses a config with links.",
    fix="Write a file, or a unit that creates the link.",
    wrong="storage:\n  links:\n    - path: /etc/localtime\n      target: ../usr/share/zoneinfo/UTC\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-append",
    title="OpenShift does not append to files",
    why="The machine-config operator writes whole files and refuses a config that appends.",
    fix="Write the whole file with contents.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      append:\n        - inline: hello\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-compression",
    title="This version of OpenShift takes no compressed contents",
    why="The machine-config operator of this version cannot unpack contents.",
    fix="Remove compression, or use openshift 4.10.0 or newer.",
    wrong=_FILE + "        compression: gzip\n",
    right=_FILE,
    row="openshift 4.9.0",
)

declare(
    "mco-headers",
    title="OpenShift sends no HTTP headers",
    why=(
        "The machine-config operator takes contents only from the config itself, so there is no request to send headers "
        "with."
    ),
    fix="Remove http_headers.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n        http_headers:\n          - name: A\n            value: b\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-source",
    title="OpenShift does not fetch contents",
    why="The machine-config operator takes contents only from the config itself and refuses URLs.",
    fix="Use inline or local, which embed the contents.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      contents:\n        source: https://example.com/motd\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-mode",
    title="OpenShift takes no special mode bits",
    why="The machine-config operator refuses setuid, setgid and sticky bits, and the pool of machines is degraded.",
    fix="Write three octal digits, such as 0755.",
    wrong=_FILE + "      mode: 04755\n",
    right=_FILE + "      mode: 0755\n",
    row=OPENSHIFT,
)

declare(
    "mco-none",
    title="OpenShift does not take the format none",
    why="The machine-config operator takes filesystems only with a format that is created.",
    fix="Write format: xfs or ext4.",
    wrong=filesystem("format: none"),
    right=filesystem("format: xfs"),
    row=OPENSHIFT,
)

declare(
    "rhcos-btrfs",
    title="RHEL CoreOS has no btrfs",
    why="The kernel of RHEL CoreOS cannot mount btrfs, so the machine would not boot.",
    fix="Write format: xfs or ext4.",
    wrong=filesystem("format: btrfs"),
    right=filesystem("format: xfs"),
    row=OPENSHIFT,
)
