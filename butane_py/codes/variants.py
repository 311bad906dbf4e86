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
    why="This version of Flatcar cannot open volumes by Tang or TPM 2.0.",
    wrong=luks("clevis:\n  tpm2: true"),
    right=luks("key_file:\n  inline: secret"),
    row="flatcar 1.1.0",
)

declare(
    "no-cex",
    title="Flatcar has no CEX",
    why="IBM Crypto Express cards are not supported.",
    wrong=luks("cex:\n  enabled: true"),
    right=luks("key_file:\n  inline: secret"),
    row="flatcar 1.2.0-experimental",
)

declare(
    "no-kernel-arguments",
    title="No kernel arguments here",
    why="The variant does not take kernel arguments from this config.",
    wrong="kernel_arguments:\n  should_exist: [quiet]\n",
    right=_FILE,
    row=_R4E,
)

declare(
    "no-disks",
    title="No disks here",
    why="The image builder partitions disks, not this config.",
    wrong="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n",
    right=_FILE,
    row=_R4E,
)

declare(
    "no-filesystems",
    title="No filesystems here",
    why="The image builder makes filesystems, not this config.",
    wrong=filesystem("format: ext4"),
    right=_FILE,
    row=_R4E,
)

declare(
    "no-luks",
    title="No LUKS volumes here",
    why="The image builder makes LUKS volumes, not this config.",
    wrong=luks("label: data"),
    right=_FILE,
    row=_R4E,
)

declare(
    "no-raid",
    title="No RAID here",
    why="The variant does not support RAID.",
    wrong="storage:\n  raid:\n    - name: data\n      level: raid1\n      devices: [/dev/sda, /dev/sdb]\n",
    right=_FILE,
    row=_R4E,
)

declare(
    "metadata-name",
    title="A MachineConfig without a name",
    why="metadata.name is needed.",
    wrong="metadata:\n  labels:\n    machineconfiguration.openshift.io/role: worker\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "metadata-role",
    title="A MachineConfig without a role",
    why="The label machineconfiguration.openshift.io/role tells which machines it is for.",
    wrong="metadata:\n  name: example\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "kernel-type",
    title="The kernel type is unknown",
    why="default or realtime.",
    wrong="openshift:\n  kernel_type: fast\n",
    right="openshift:\n  kernel_type: realtime\n",
    row=OPENSHIFT,
)

declare(
    "field-elided",
    title="A field has no effect with --raw",
    why="It is part of the MachineConfig, which --raw leaves out.",
    wrong="openshift:\n  fips: true\n",
    right=_FILE,
    row=OPENSHIFT,
    severity=WARNING,
    raw=True,
)

declare(
    "mco-kernel-arguments",
    title="Kernel arguments in the wrong place",
    why="OpenShift takes them from openshift.kernel_arguments.",
    wrong="kernel_arguments:\n  should_exist: [quiet]\n",
    right="openshift:\n  kernel_arguments: [quiet]\n",
    row=OPENSHIFT,
)

declare(
    "mco-groups",
    title="OpenShift does not take groups",
    why="The machine-config operator makes none.",
    wrong="passwd:\n  groups:\n    - name: app\n",
    right=_CORE,
    row=OPENSHIFT,
)

declare(
    "mco-user",
    title="OpenShift takes only the user core",
    why="Other users are not managed.",
    wrong="passwd:\n  users:\n    - name: admin\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n",
    right=_CORE,
    row=OPENSHIFT,
)

declare(
    "mco-user-field",
    title="A field of a user that OpenShift does not take",
    why="Only name, ssh_authorized_keys and, from 4.13 on, password_hash.",
    wrong=_CORE + "      shell: /bin/zsh\n",
    right=_CORE,
    row=OPENSHIFT,
)

declare(
    "mco-directories",
    title="OpenShift does not take directories",
    why="Directories are made for the files in them.",
    wrong="storage:\n  directories:\n    - path: /etc/app\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-links",
    title="OpenShift does not take links",
    why="Write a file, or a unit that makes the link.",
    wrong="storage:\n  links:\n    - path: /etc/localtime\n      target: ../usr/share/zoneinfo/UTC\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-append",
    title="OpenShift does not append to files",
    why="Write the whole file.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      append:\n        - inline: hello\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-compression",
    title="OpenShift cannot unpack",
    why="This version takes no compressed contents.",
    wrong=_FILE + "        compression: gzip\n",
    right=_FILE,
    row="openshift 4.9.0",
)

declare(
    "mco-headers",
    title="OpenShift sends no headers",
    why="Contents are in the config itself.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n        http_headers:\n          - name: A\n            value: b\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-source",
    title="OpenShift fetches no contents",
    why="Contents are in the config itself: inline, local or a data URL.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      contents:\n        source: https://example.com/motd\n",
    right=_FILE,
    row=OPENSHIFT,
)

declare(
    "mco-mode",
    title="OpenShift takes no special mode bits",
    why="Setuid, setgid and sticky bits are refused.",
    wrong=_FILE + "      mode: 04755\n",
    right=_FILE + "      mode: 0755\n",
    row=OPENSHIFT,
)

declare(
    "mco-none",
    title="OpenShift does not take format none",
    why="The format is needed.",
    wrong=filesystem("format: none"),
    right=filesystem("format: xfs"),
    row=OPENSHIFT,
)

declare(
    "rhcos-btrfs",
    title="RHCOS has no btrfs",
    why="Use xfs or ext4.",
    wrong=filesystem("format: btrfs"),
    right=filesystem("format: xfs"),
    row=OPENSHIFT,
)
