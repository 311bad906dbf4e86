"""OpenShift: the Ignition config is completed for the machine-config operator and wrapped into a MachineConfig."""

from __future__ import annotations

from typing import Any

from butane_py.compilation import Compilation
from butane_py.features import boot_device
from butane_py.features.feature import Feature
from butane_py.features.grub import append_as_contents
from butane_py.registry import ButaneFindings, rule
from butane_py.variants import OPENSHIFT
from butane_py.yaml.source import Whole
from ignition_py.report import examples
from ignition_py.report.catalog import code
from ignition_py.report.diag import ERROR, WARNING, Path
from ignition_py.spec import tables as spec
from ignition_py.spec.model import Struct, extends, field
from ignition_py.spec.urls import UrlError, parse_url

# Examples.
_CORE = "passwd:\n  users:\n    - name: core\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n"
_FILE = "storage:\n  files:\n    - path: /etc/motd\n      contents:\n        inline: hello\n"
_CEX = "boot_device:\n  layout: s390x-virt\n  luks:\n    cex:\n      enabled: true\n"

FIPS_CIPHER_UNTIL = 20  # from 4.20 on RHCOS picks a cipher that FIPS allows by itself
FIPS_CIPHER = ("--cipher", "aes-cbc-essiv:sha256")
GRUB_AS_CONTENTS_SINCE = 23
_FIELDS = (
    ("extensions", "extensions"),
    ("fips", "fips"),
    ("kernel_arguments", "kernelArguments"),
    ("kernel_type", "kernelType"),
)


KERNELS = ("default", "realtime")
ROLE_LABEL = "machineconfiguration.openshift.io/role"
CEX_ARGUMENT = "rd.luks.key=/etc/luks/cex.key"


class Metadata(Struct):
    """Metadata of a MachineConfig. `labels` maps strings to strings."""

    name: str = field("Name of the MachineConfig.", since=8, axis=OPENSHIFT, required=True)
    labels: dict[str, str] = field("Labels; machineconfiguration.openshift.io/role is needed.", since=8, axis=OPENSHIFT)


class OpenShift(Struct):
    """What a MachineConfig has besides the Ignition config."""

    kernel_arguments: tuple[str, ...] = field("Arguments of the kernel's command line.", since=8, axis=OPENSHIFT)
    extensions: tuple[str, ...] = field("RHCOS extensions to install.", since=8, axis=OPENSHIFT)
    fips: bool | None = field("Whether to run in FIPS mode.", since=8, axis=OPENSHIFT)
    kernel_type: str | None = field("Kernel: default or realtime.", since=8, axis=OPENSHIFT)


@extends
class Config(boot_device.Config):
    metadata: Metadata = field("Metadata of the MachineConfig.", since=8, axis=OPENSHIFT)
    openshift: OpenShift = field("What the MachineConfig has besides the Ignition config.", since=8, axis=OPENSHIFT)


@code(
    "metadata-name",
    title="A MachineConfig has no name",
    why="A MachineConfig is an object of Kubernetes, and each has a name.",
    fix="Add metadata.name, such as 99-worker-motd; the order of names decides which of several MachineConfigs wins.",
    wrong="metadata:\n  labels:\n    machineconfiguration.openshift.io/role: worker\n",
    right=_FILE,
    row="openshift 4.18.0",
)
@code(
    "metadata-role",
    title="A MachineConfig has no role",
    why=(
        "The label machineconfiguration.openshift.io/role tells which machines the MachineConfig is for. Without it none "
        "gets it."
    ),
    fix="Add the label to metadata.labels, with the value worker or master.",
    wrong="metadata:\n  name: example\n",
    right=_FILE,
    row="openshift 4.18.0",
)
@code(
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
@rule(Config)
def machine_config(it: Config, find: ButaneFindings) -> None:
    if not find.row.machine_config:
        return
    if not it.metadata.name:
        find.error("metadata-name", "a MachineConfig needs metadata.name", "metadata", "name")
    if not it.metadata.labels.get(ROLE_LABEL):
        message = f"a MachineConfig needs the label {ROLE_LABEL}, such as worker or master"
        find.error("metadata-role", message, "metadata", "labels")
    if find.row.has(OPENSHIFT, since=19) and CEX_ARGUMENT not in it.openshift.kernel_arguments:
        root = any(luks.cex.enabled and luks.name == "root" for luks in it.storage.luks)
        if it.boot_device.luks.cex.enabled or root:
            find.error(
                "cex-kernel-argument", f"CEX needs the kernel argument {CEX_ARGUMENT}", "openshift", "kernel_arguments"
            )


@code(
    "kernel-type",
    title="The kernel type is unknown",
    why="OpenShift has two kernels: default and realtime.",
    fix="Write one of them, or remove kernel_type.",
    wrong="openshift:\n  kernel_type: fast\n",
    right="openshift:\n  kernel_type: realtime\n",
    row="openshift 4.18.0",
)
@rule(OpenShift)
def kernel_type(it: OpenShift, find: ButaneFindings) -> None:
    if it.kernel_type not in (None, "", *KERNELS):
        find.error("kernel-type", f"the kernel is default or realtime, not {it.kernel_type!r}", "kernel_type")


@code(
    "field-elided",
    title="A field has no effect with --raw",
    why="The field is part of the MachineConfig, which --raw leaves out: only the Ignition config inside is written.",
    fix="Compile without --raw, or remove the field.",
    wrong="openshift:\n  fips: true\n",
    right=_FILE,
    row="openshift 4.18.0",
    severity=WARNING,
    raw=True,
)
def desugar(work: Compilation, output: spec.Config) -> spec.Config:
    """`output` with what FIPS mode needs; with --raw, warnings for what an Ignition config alone cannot carry."""
    config = work.config
    assert isinstance(config, Config)
    if work.row.has(OPENSHIFT, since=GRUB_AS_CONTENTS_SINCE):
        output = append_as_contents(output)
    if config.openshift.fips and not work.row.has(OPENSHIFT, since=FIPS_CIPHER_UNTIL) and output.storage.luks:
        luks = tuple(_fips(work, each) for each in output.storage.luks)
        output = output.but(storage=output.storage.but(luks=luks))
    if work.options.raw:
        for name, _ in _FIELDS:
            if config.openshift.has(name):
                work.warning(
                    "field-elided",
                    f"{name} has no effect with --raw: it is not part of an Ignition config",
                    ("openshift", name),
                )
    _check_support(work, output)
    return output


def _fips(work: Compilation, luks: spec.Luks) -> spec.Luks:
    """A cipher that FIPS mode allows, unless the config names one."""
    if any(option in ("--cipher", "-c") or option.startswith("--cipher=") for option in luks.options):
        return luks
    changed = luks.but(options=luks.options + FIPS_CIPHER)
    if luks.has("options"):
        return changed
    origin = Whole(work.source, ("openshift", "fips"))
    return changed.but(_sources={**(luks._sources or {}), "options": origin})


@code(
    "mco-user",
    title="OpenShift takes no user but core",
    why="The machine-config operator manages the user core only and refuses a config with others.",
    fix="Give the keys to the user core.",
    wrong="passwd:\n  users:\n    - name: admin\n      ssh_authorized_keys: [ssh-ed25519 AAAA]\n",
    right=_CORE,
    row="openshift 4.18.0",
)
@code(
    "mco-source",
    title="OpenShift does not fetch contents",
    why="The machine-config operator takes contents only from the config itself and refuses URLs.",
    fix="Use inline or local, which embed the contents.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      contents:\n        source: https://example.com/motd\n",
    right=_FILE,
    row="openshift 4.18.0",
)
@code(
    "mco-mode",
    title="OpenShift takes no special mode bits",
    why="The machine-config operator refuses setuid, setgid and sticky bits, and the pool of machines is degraded.",
    fix="Write three octal digits, such as 0755.",
    wrong=_FILE + "      mode: 04755\n",
    right=_FILE + "      mode: 0755\n",
    row="openshift 4.18.0",
)
@code(
    "mco-none",
    title="OpenShift does not take the format none",
    why="The machine-config operator takes filesystems only with a format that is created.",
    fix="Write format: xfs or ext4.",
    wrong=examples.filesystem("format: none"),
    right=examples.filesystem("format: xfs"),
    row="openshift 4.18.0",
)
@code(
    "rhcos-btrfs",
    title="RHEL CoreOS has no btrfs",
    why="The kernel of RHEL CoreOS cannot mount btrfs, so the machine would not boot.",
    fix="Write format: xfs or ext4.",
    wrong=examples.filesystem("format: btrfs"),
    right=examples.filesystem("format: xfs"),
    row="openshift 4.18.0",
)
def _check_support(work: Compilation, config: spec.Config) -> None:
    """What RHCOS does not have and what the machine-config operator refuses, besides forbidden fields."""
    for i, filesystem in enumerate(config.storage.filesystems):
        path: Path = ("storage", "filesystems", i, "format")
        if filesystem.format == "btrfs":
            _unsupported(work, config, "rhcos-btrfs", "RHCOS has no btrfs", path)
        elif filesystem.format == "none" and work.row.has(OPENSHIFT, since=14):
            _unsupported(work, config, "mco-none", "OpenShift does not take filesystems of format none", path)
    for i, file in enumerate(config.storage.files):
        if file.contents.source is not None and _scheme(file.contents.source) not in ("data", None):
            path = ("storage", "files", i, "contents", "source")
            _unsupported(
                work,
                config,
                "mco-source",
                "OpenShift takes only contents in the config itself: inline, local or data:",
                path,
            )
        if work.row.has(OPENSHIFT, since=10) and file.mode is not None and file.mode & ~0o777:
            _unsupported(
                work, config, "mco-mode", "OpenShift takes no special mode bits", ("storage", "files", i, "mode")
            )
    for i, user in enumerate(config.passwd.users):
        if user.name != "core":
            _unsupported(work, config, "mco-user", "OpenShift takes only the user core", ("passwd", "users", i, "name"))


def _scheme(text: str) -> str | None:
    if text.startswith("data:"):
        return "data"
    try:
        return parse_url(text).scheme
    except UrlError:
        return None


def _unsupported(work: Compilation, config: spec.Config, code: str, message: str, path: Path) -> None:
    if work.options.raw:
        # The reference loses the way back here: the path starts at a MachineConfig that is not written.
        work.error(code, message, ("spec", "config", *path))
    else:
        work.at_output(config, ERROR, code, message, path)


def check_twice(work: Compilation) -> None:
    """Errors for list entries of the MachineConfig itself that are given twice."""
    config = work.config
    if not work.wraps or not isinstance(config, Config):
        return
    for name in ("kernel_arguments", "extensions"):
        seen: set[str] = set()
        for i, item in enumerate(getattr(config.openshift, name)):
            if item in seen:
                work.error("duplicate", f"{item!r} is given twice", ("openshift", name, i))
            seen.add(item)


def wrap(work: Compilation, data: dict[str, Any]) -> dict[str, Any]:
    """The MachineConfig around an Ignition config's data."""
    config = work.config
    assert isinstance(config, Config)
    spec: dict[str, Any] = {"config": data}
    for name, key in _FIELDS:
        value = getattr(config.openshift, name)
        if value is not None and value != ():
            spec[key] = list(value) if isinstance(value, tuple) else value
    metadata: dict[str, Any] = {"name": config.metadata.name}
    if config.metadata.labels:
        metadata["labels"] = config.metadata.labels
    return {
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "MachineConfig",
        "metadata": metadata,
        "spec": spec,
    }


FEATURE = Feature(section=OPENSHIFT, desugar=desugar, check_output=check_twice)
