"""Codes of what a variant refuses: Flatcar, RHEL for Edge, Fedora IoT, OpenShift."""

from __future__ import annotations

from butane_py.codes.code import OPENSHIFT, Code, filesystem, luks

_R4E = "r4e 1.1.0"
_CORE = "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n"
_FILE = "storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n"

VARIANT_RULES = (
    Code("no-clevis", "Flatcar has no Clevis", "This version of Flatcar cannot open volumes by Tang or TPM 2.0.",
         luks("clevis:\n  tpm2: true"), luks("key_file:\n  inline: secret"), "flatcar 1.1.0"),
    Code("no-cex", "Flatcar has no CEX", "IBM Crypto Express cards are not supported.", luks("cex:\n  enabled: true"),
         luks("key_file:\n  inline: secret"), "flatcar 1.2.0-experimental"),
    Code("no-kernel-arguments", "No kernel arguments here", "The variant does not take kernel arguments from this config.",
         "kernel_arguments:\n  should_exist: [quiet]\n", _FILE, _R4E),
    Code("no-disks", "No disks here", "The image builder partitions disks, not this config.",
         "storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n", _FILE, _R4E),
    Code("no-filesystems", "No filesystems here", "The image builder makes filesystems, not this config.", filesystem("format: ext4"), _FILE, _R4E),
    Code("no-luks", "No LUKS volumes here", "The image builder makes LUKS volumes, not this config.", luks("label: data"), _FILE, _R4E),
    Code("no-raid", "No RAID here", "The variant does not support RAID.",
         "storage:\n  raid:\n    - name: data\n      level: raid1\n      devices: [/dev/sda, /dev/sdb]\n", _FILE, _R4E),
    Code("metadata-name", "A MachineConfig without a name", "metadata.name is needed.",
         "metadata:\n  labels:\n    machineconfiguration.openshift.io/role: worker\n", _FILE, OPENSHIFT),
    Code("metadata-role", "A MachineConfig without a role", "The label machineconfiguration.openshift.io/role tells which machines it is for.",
         "metadata:\n  name: example\n", _FILE, OPENSHIFT),
    Code("kernel-type", "The kernel type is unknown", "default or realtime.", "openshift:\n  kernel_type: fast\n",
         "openshift:\n  kernel_type: realtime\n", OPENSHIFT),
    Code("field-elided", "A field has no effect with --raw", "It is part of the MachineConfig, which --raw leaves out.",
         "openshift:\n  fips: true\n", _FILE, OPENSHIFT, raw=True),
    Code("mco-kernel-arguments", "Kernel arguments in the wrong place", "OpenShift takes them from openshift.kernel_arguments.",
         "kernel_arguments:\n  should_exist: [quiet]\n", "openshift:\n  kernel_arguments: [quiet]\n", OPENSHIFT),
    Code("mco-groups", "OpenShift does not take groups", "The machine-config operator makes none.", "passwd:\n  groups:\n    - name: app\n", _CORE, OPENSHIFT),
    Code("mco-user", "OpenShift takes only the user core", "Other users are not managed.",
         "passwd:\n  users:\n    - name: admin\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n", _CORE, OPENSHIFT),
    Code("mco-user-field", "A field of a user that OpenShift does not take", "Only name, ssh_authorized_keys and, from 4.13 on, password_hash.",
         _CORE + "      shell: /bin/zsh\n", _CORE, OPENSHIFT),
    Code("mco-directories", "OpenShift does not take directories", "Directories are made for the files in them.",
         "storage:\n  directories:\n    - path: /etc/app\n", _FILE, OPENSHIFT),
    Code("mco-links", "OpenShift does not take links", "Write a file, or a unit that makes the link.",
         "storage:\n  links:\n    - path: /etc/localtime\n      target: ../usr/share/zoneinfo/UTC\n", _FILE, OPENSHIFT),
    Code("mco-append", "OpenShift does not append to files", "Write the whole file.",
         "storage:\n  files:\n    - path: /etc/motd\n      append:\n        - inline: hello\n", _FILE, OPENSHIFT),
    Code("mco-compression", "OpenShift cannot unpack", "This version takes no compressed contents.",
         _FILE + "        compression: gzip\n", _FILE, "openshift 4.9.0"),
    Code("mco-headers", "OpenShift sends no headers", "Contents are in the config itself.",
         "storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n        http_headers:\n          - name: A\n            value: b\n",
         _FILE, OPENSHIFT),
    Code("mco-source", "OpenShift fetches no contents", "Contents are in the config itself: inline, local or a data URL.",
         "storage:\n  files:\n    - path: /etc/motd\n      contents:\n        source: https://example.com/motd\n", _FILE, OPENSHIFT),
    Code("mco-mode", "OpenShift takes no special mode bits", "Setuid, setgid and sticky bits are refused.", _FILE + "      mode: 04755\n",
         _FILE + "      mode: 0755\n", OPENSHIFT),
    Code("mco-none", "OpenShift does not take format none", "The format is needed.", filesystem("format: none"), filesystem("format: xfs"), OPENSHIFT),
    Code("rhcos-btrfs", "RHCOS has no btrfs", "Use xfs or ext4.", filesystem("format: btrfs"), filesystem("format: xfs"), OPENSHIFT),
)  # fmt: skip
