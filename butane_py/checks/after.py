"""Checks of the output that only the compiler makes: reserved partitions of Fedora CoreOS, what RHCOS and the MCO refuse,
and fields that a variant forbids. Paths are output paths; they are taken back to the YAML text.
"""

from __future__ import annotations

from butane_py.variants import FORBIDDEN, Forbidden
from ignition_py.report.diag import ERROR, WARNING
from ignition_py.spec.model import Struct
from ignition_py.spec.urls import UrlError, parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.compilation import Compilation
    from ignition_py.report.diag import Path
    from ignition_py.spec.tables import Config, Disk, Partition

# The image's own partitions: label -> number.
RESERVED = {"BIOS-BOOT": 1, "PowerPC-PReP-boot": 1, "EFI-SYSTEM": 2, "boot": 3, "root": 4}
ROOT_LEAST_MIB = 8192
_VIRTIOFS = "virtiofs"
_UNKNOWN = "virtiofs of a host"  # no format
_ROOT_SIZE_SINCE = 3


def check_partitions(work: Compilation, config: Config) -> None:
    """Warns of partitions that collide with those of the Fedora CoreOS image."""
    for i, disk in enumerate(config.storage.disks):
        for p, part in enumerate(disk.partitions):
            path: Path = ("storage", "disks", i, "partitions", p)
            if part.label == "root" and work.row.fcos >= _ROOT_SIZE_SINCE:
                _root_size(work, config, disk, part, path)
            if not disk.wipe_table and part.label is not None and RESERVED.get(part.label, part.number) != part.number:
                message = f"{part.label} is partition {RESERVED[part.label]} of the image; this makes a second one"
                _warn_label(work, config, "partition-reserved", message, (*path, "label"))


def _warn_label(work: Compilation, config: Config, code: str, message: str, path: Path) -> None:
    if work.row.machine_config and not work.options.raw:
        # The reference loses the way back here: the path is that of the output, looked up in the YAML.
        work.warning(code, message, path)
    else:
        work.at_output(config, WARNING, code, message, path)


def check_ignition(work: Compilation, config: Config) -> None:
    """The rules of the Ignition language, as the reference has them: it was released before virtiofs was."""
    from ignition_py.spec.rules.all import validate

    filesystems = config.storage.filesystems
    shares = not work.options.at_boot and any(each.format == _VIRTIOFS for each in filesystems)
    checked = config
    if shares:
        unknown = tuple([each.but(format=_UNKNOWN) if each.format == _VIRTIOFS else each for each in filesystems])
        checked = config.but(storage=config.storage.but(filesystems=unknown))
    for finding in validate(checked, work.row.spec):
        message = finding.message
        if shares and finding.code == "format-unknown" and _UNKNOWN in message:
            message = "Butane 0.29.0 does not take the format virtiofs; Ignition takes it from 3.7.0-experimental on"
        work.at_output(config, finding.severity, finding.code, message, finding.path, finding.hint)


def check_absent_partitions(work: Compilation, config: Config) -> None:
    """Refuses numbers left open beside a partition that is not to exist: Ignition did until 2.27, and Butane still does."""
    for i, disk in enumerate(config.storage.disks):
        absent = any(part.should_exist is False for part in disk.partitions)
        if disk.device and absent and not all(part.number for part in disk.partitions):
            message = "where a partition is not to exist (should_exist: false), every partition of the disk needs its number"
            work.at_output(config, ERROR, "partition-absent-unnumbered", message, ("storage", "disks", i, "partitions"))


def _root_size(work: Compilation, config: Config, disk: Disk, part: Partition, path: Path) -> None:
    if not part.size_mib:
        if any(other is not part and not other.start_mib for other in disk.partitions):
            message = "root cannot grow: it fills what is free now, and a partition without a start follows"
            _warn_label(work, config, "root-constrained", message, (*path, "label"))
    elif part.size_mib < ROOT_LEAST_MIB:
        work.warning(
            "root-small", f"root needs {ROOT_LEAST_MIB} MiB (8 GiB); this is {part.size_mib}", (*path, "size_mib")
        )


def check_support(work: Compilation, config: Config) -> None:
    """What RHCOS does not have and what the machine-config operator refuses, besides forbidden fields."""
    level = work.row.openshift
    for i, filesystem in enumerate(config.storage.filesystems):
        path: Path = ("storage", "filesystems", i, "format")
        if filesystem.format == "btrfs":
            _unsupported(work, config, "rhcos-btrfs", "RHCOS has no btrfs", path)
        elif filesystem.format == "none" and level >= 14:
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
        if level >= 10 and file.mode is not None and file.mode & ~0o777:
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


def _unsupported(work: Compilation, config: Config, code: str, message: str, path: Path) -> None:
    if work.options.raw:
        # The reference loses the way back here: the path starts at a MachineConfig that is not written.
        work.error(code, message, ("spec", "config", *path))
    else:
        work.at_output(config, ERROR, code, message, path)


def check_forbidden(work: Compilation, config: Config) -> None:
    """Errors for what the variant forbids and the output has."""
    for rule in FORBIDDEN:
        if rule.applies(work.row) and not (work.row.machine_config and work.options.raw):
            _forbid(work, config, config, rule, 0, ())


def _forbid(work: Compilation, config: Config, value: object, rule: Forbidden, depth: int, path: Path) -> None:
    if depth == len(rule.path):
        if not _empty(value, rule.empty_ok):
            work.at_output(config, ERROR, rule.code, rule.message, path)
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            _forbid(work, config, item, rule, depth, (*path, i))
    elif isinstance(value, Struct):
        name = rule.path[depth]
        if name in value.__dict__:
            _forbid(work, config, value.__dict__[name], rule, depth + 1, (*path, name))


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
