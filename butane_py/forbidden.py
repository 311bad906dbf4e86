"""Fields of the output that the row forbids. The rules are in variants.py."""

from __future__ import annotations

from butane_py.compilation import Compilation
from butane_py.variants import Forbidden
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, Path
from ignition_py.report.examples import filesystem, luks
from ignition_py.spec.model import Struct

# Examples.
_R4E = "r4e 1.1.0"
_CORE = "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n"
_FILE = "storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n"


@code(
    "no-clevis",
    title="Flatcar has no Clevis",
    why="This version of Flatcar has no program that opens volumes by Tang or TPM 2.0, so the machine could not boot.",
    fix="Use key_file, or flatcar 1.2.0-experimental.",
    wrong=luks("clevis:\n  tpm2: true"),
    right=luks("key_file:\n  inline: secret"),
    row="flatcar 1.1.0",
)
@code(
    "no-cex",
    title="Flatcar has no CEX",
    why="Flatcar has no support for IBM Crypto Express cards.",
    fix="Remove cex, and use key_file or clevis.",
    wrong=luks("cex:\n  enabled: true"),
    right=luks("key_file:\n  inline: secret"),
    row="flatcar 1.2.0-experimental",
)
@code(
    "no-kernel-arguments",
    title="The variant does not take kernel arguments",
    why="The system of this variant sets its kernel arguments when the image is built, not from a config.",
    fix="Remove kernel_arguments, and set them in the image's blueprint.",
    wrong="kernel_arguments:\n  should_exist: [quiet]\n",
    right=_FILE,
    row=_R4E,
)
@code(
    "no-disks",
    title="The variant does not partition disks",
    why="The image builder of this variant lays out the disks; at first boot they are in use already.",
    fix="Remove storage.disks, and describe the disks in the image's blueprint.",
    wrong="storage:\n  disks:\n    - device: /dev/sda\n      wipe_table: true\n",
    right=_FILE,
    row=_R4E,
)
@code(
    "no-filesystems",
    title="The variant does not create filesystems",
    why="The image builder of this variant creates the filesystems; at first boot they are in use already.",
    fix="Remove storage.filesystems, and describe them in the image's blueprint.",
    wrong=filesystem("format: ext4"),
    right=_FILE,
    row=_R4E,
)
@code(
    "no-luks",
    title="The variant does not create LUKS volumes",
    why="The image builder of this variant encrypts disks; the config cannot.",
    fix="Remove storage.luks, and describe encryption in the image's blueprint.",
    wrong=luks("label: data"),
    right=_FILE,
    row=_R4E,
)
@code(
    "no-raid",
    title="The variant does not create RAID arrays",
    why="Systems of this variant do not support arrays that a config creates.",
    fix="Remove storage.raid.",
    wrong="storage:\n  raid:\n    - name: data\n      level: raid1\n      devices: [/dev/sda, /dev/sdb]\n",
    right=_FILE,
    row=_R4E,
)
@code(
    "mco-kernel-arguments",
    title="Kernel arguments are in the wrong section",
    why="OpenShift takes kernel arguments from the MachineConfig, not from the Ignition config in it.",
    fix="Move them to openshift.kernel_arguments.",
    wrong="kernel_arguments:\n  should_exist: [quiet]\n",
    right="openshift:\n  kernel_arguments: [quiet]\n",
    row="openshift 4.18.0",
)
@code(
    "mco-groups",
    title="OpenShift does not create groups",
    why="The machine-config operator refuses a config with groups, and the pool of machines is degraded.",
    fix="Remove passwd.groups.",
    wrong="passwd:\n  groups:\n    - name: app\n",
    right=_CORE,
    row="openshift 4.18.0",
)
@code(
    "mco-user-field",
    title="OpenShift does not take this field of a user",
    why=(
        "The machine-config operator takes name, ssh_authorized_keys and, from 4.13 on, password_hash, and refuses other "
        "fields."
    ),
    fix="Remove the field.",
    wrong=_CORE + "      shell: /bin/zsh\n",
    right=_CORE,
    row="openshift 4.18.0",
)
@code(
    "mco-directories",
    title="OpenShift does not create directories",
    why="The machine-config operator refuses a config with directories. It creates those that its files need.",
    fix="Remove storage.directories; write a file below, or a unit that creates the directory.",
    wrong="storage:\n  directories:\n    - path: /etc/app\n",
    right=_FILE,
    row="openshift 4.18.0",
)
@code(
    "mco-links",
    title="OpenShift does not create links",
    why="The machine-config operator refuses a config with links.",
    fix="Write a file, or a unit that creates the link.",
    wrong="storage:\n  links:\n    - path: /etc/localtime\n      target: ../usr/share/zoneinfo/UTC\n",
    right=_FILE,
    row="openshift 4.18.0",
)
@code(
    "mco-append",
    title="OpenShift does not append to files",
    why="The machine-config operator writes whole files and refuses a config that appends.",
    fix="Write the whole file with contents.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      append:\n        - inline: hello\n",
    right=_FILE,
    row="openshift 4.18.0",
)
@code(
    "mco-compression",
    title="This version of OpenShift takes no compressed contents",
    why="The machine-config operator of this version cannot unpack contents.",
    fix="Remove compression, or use openshift 4.10.0 or newer.",
    wrong=_FILE + "        compression: gzip\n",
    right=_FILE,
    row="openshift 4.9.0",
)
@code(
    "mco-headers",
    title="OpenShift sends no HTTP headers",
    why=(
        "The machine-config operator takes contents only from the config itself, so there is no request to send headers "
        "with."
    ),
    fix="Remove http_headers.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n"
    "        http_headers:\n          - name: A\n            value: b\n",
    right=_FILE,
    row="openshift 4.18.0",
)
def find_forbidden(work: Compilation) -> None:
    """Errors for what the row forbids and the output has."""
    for rule in work.row.forbids:
        if rule.applies(work.row.levels):
            _forbid(work, work.output, rule, rule.path.split("."), ())


def _forbid(work: Compilation, value: object, rule: Forbidden, names: list[str], path: Path) -> None:
    if not names:
        if not _empty(value, rule.empty_ok):
            work.at_output(work.output, ERROR, rule.code, rule.message, path)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            _forbid(work, item, rule, names, (*path, i))
    elif isinstance(value, Struct):
        name = names[0]
        if name in value.__dict__:
            _forbid(work, value.__dict__[name], rule, names[1:], (*path, name))


def _empty(value: object, zero_ok: bool) -> bool:
    """A pointer to an empty value counts as given, as in the reference, except where sugar writes such values itself."""
    if isinstance(value, Struct):
        return all(
            _empty(each, zero_ok) if entry.struct is not None or entry.many else not entry.optional and not each
            for entry, each in value.items()
        )
    if isinstance(value, tuple):
        return not value
    return zero_ok and not value
