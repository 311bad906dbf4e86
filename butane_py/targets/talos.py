"""Talos Linux: a patch of its machine configuration, in documents without secrets, for `talosctl gen config --config-patch @talos.yaml`.

Since 1.14 nearly every setting is a document of its own kind; before that some stand in the first document, which has no kind.
Kernel arguments belong to the image: they are written as a schematic of the Image Factory (1.13: as arguments of the installer).
Source: Talos' reference of configuration documents, 1.13 and 1.14.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from butane_py.decompiler.unpack import contents_of
from butane_py.emit.document import Octal12, document
from butane_py.targets.fields import FIELDS
from butane_py.targets.layouts import proxy_variables
from butane_py.targets.model import NATIVE, No, Takes, Target, native
from butane_py.targets.options import merged
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from butane_py.targets.talos_containers import container
from butane_py.targets.talos_volumes import volumes
from ignition_py.spec.tables import File

PATCH, SCHEMATIC = "talos.yaml", "schematic.yaml"
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)
_UDEV = re.compile(r"/etc/udev/rules\.d/[^/]+\.rules")
_HOSTS_LINE = re.compile(r"([0-9a-fA-F:.]+)((?:\s+[A-Za-z0-9._-]+)+)\s*(?:#.*)?")
# Files and folders of /etc that Talos writes itself, so that EtcFileConfig refuses them.
_OWN_FILES = ("resolv.conf", "hosts", "machine-id", "extensions.yaml", "localtime", "os-release", "xattr.conf")
_OWN_FOLDERS = (
    "apparmor.d", "apparmor", "ca-certificates", "cni", "cri", "iscsi", "kubernetes", "lvm", "nvme", "pki", "selinux", "ssl",
)  # fmt: skip


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The patch, and the schematic where the config has kernel arguments."""
    writer = _Writer(plan, findings)
    writer.all()
    texts = [document(each) for each in _with_patches(writer.documents, writer.patches)]
    outputs = {PATCH: f"# {plan.heading}\n" + "---\n".join(texts)}
    arguments = list(plan.config.kernel_arguments.should_exist)
    if arguments and writer.modern:
        place = plan.place("kernel_arguments", "should_exist")
        message = f"kernel arguments are a part of Talos' image: {SCHEMATIC} has them, the patch has not"
        findings.warning(
            "target-lost",
            message,
            place,
            hint="give the schematic to the Image Factory, and install the image of its id",
        )
        outputs[SCHEMATIC] = f"# {plan.heading}\n" + document({"customization": {"extraKernelArgs": arguments}})
    return {part: text.encode("utf-8", "replace") for part, text in outputs.items()}


def _with_patches(made: list[dict[str, Any]], patches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The documents with those of `targets.talos.patches` merged over the one of the same kind and name, or behind them."""
    documents = list(made)
    for patch in patches:
        same = [index for index, each in enumerate(documents) if _identity(each) == _identity(patch)]
        if same:
            documents[same[0]] = merged(documents[same[0]], patch)
        else:
            documents.append(patch)
    return documents


def _identity(data: dict[str, Any]) -> tuple[Any, Any]:
    """What tells documents apart: two of one kind and name are refused by Talos."""
    return data.get("kind"), data.get("name")


class _Writer:
    """Makes the documents of a plan, in the order of the fields."""

    def __init__(self, plan: Plan, findings: Findings) -> None:
        self._plan = plan
        self._findings = findings
        self.modern = plan.chosen.at_least("1.14")
        self.documents: list[dict[str, Any]] = []
        self.patches: list[dict[str, Any]] = []  # documents of `targets.talos.patches`
        self._machine: dict[str, Any] = {}  # the section `machine` of the document without a kind

    def all(self) -> None:
        """Makes all documents."""
        self._read_patches()
        self._names()
        self._kernel()
        self._trust()
        self._mirrors()
        self._files()
        self.documents += volumes(self._plan, self._findings)
        self._containers()
        self._install()
        if self._machine:
            self.documents.insert(0, {"machine": self._machine})

    def _add(self, kind: str, /, **fields: Any) -> None:
        self.documents.append({"apiVersion": "v1alpha1", "kind": kind, **fields})

    def _read_patches(self) -> None:
        place = self._plan.native_place
        for patch in self._plan.native.get("patches", []):
            if isinstance(patch, dict):
                self.patches.append(patch)
            elif place is not None:
                hint = "write each document of Talos as a mapping, with apiVersion and kind"
                self._findings.error(
                    "target-option", "targets.talos.patches has an entry that is not a mapping", place, hint=hint
                )

    def _names(self) -> None:
        facts = self._plan.facts
        if facts.hostname:
            if not _HOST.fullmatch(facts.hostname.value):
                message = "Talos takes a host name of at most 253 letters, digits, dots and hyphens, 63 between dots"
                self._findings.error("target-value", message, facts.hostname.place, hint="correct the name")
            self._add("HostnameConfig", auto="off", hostname=facts.hostname.value)  # gen config writes auto: stable
        if facts.time_servers:
            self._add("TimeSyncConfig", ntp={"servers": [server.value for server in facts.time_servers]})

    def _kernel(self) -> None:
        facts = self._plan.facts
        settings = {setting.key: setting.value for setting in facts.sysctl}
        modules = [
            {"name": module.name, **({"parameters": list(module.parameters)} if module.parameters else {})}
            for module in facts.modules
        ]
        if not self.modern:
            self._machine |= {"sysctls": settings} if settings else {}
            self._machine |= {"kernel": {"modules": modules}} if modules else {}
            return
        if settings:
            self._add("SysctlConfig", params=settings)
        for module in modules:
            self._add("KernelModuleConfig", **module)

    def _trust(self) -> None:
        for certificates in self._plan.facts.certificates:
            self._add("TrustedRootsConfig", name=certificates.name, certificates=certificates.text)
        variables = dict(proxy_variables(self._plan))
        if variables:
            self._add("EnvironmentConfig", variables=variables)

    def _mirrors(self) -> None:
        for mirror in self._plan.facts.mirrors:
            fallback = {} if mirror.fallback else {"skipFallback": True}
            self._add(
                "RegistryMirrorConfig",
                name=mirror.registry,
                endpoints=[{"url": url} for url in mirror.endpoints],
                **fallback,
            )

    def _files(self) -> None:
        rules: list[str] = []
        for index, file in enumerate(self._plan.config.storage.files):
            text = (contents_of(file.contents) or b"").decode("utf-8", "replace")
            if _UDEV.fullmatch(file.path):
                rules += [line for line in _logical_lines(text) if line and not line.startswith("#")]
            elif file.path == "/etc/hosts":
                self._hosts(file, index, text)
            elif self.modern:
                self._etc_file(file, index, text)
            else:
                self._old_file(file, index, text)
        if rules and self.modern:
            self._add("UdevRulesConfig", rules=rules)
        elif rules:
            self._machine["udev"] = {"rules": rules}

    def _refuse(self, file: File, index: int, code: str, message: str, hint: str) -> None:
        place = self._plan.place("storage", "files", index, "path")
        self._findings.error(code, message, place, hint=hint, skip=f"storage.files.{file.path}")

    def _hosts(self, file: File, index: int, text: str) -> None:
        """A document for each address of /etc/hosts; the image has the loopback addresses."""
        names: dict[str, list[str]] = {}
        for line in map(str.strip, text.splitlines()):
            found = _HOSTS_LINE.fullmatch(line)
            if found:
                names.setdefault(found[1], []).extend(found[2].split())
            elif line and not line.startswith("#"):
                message = f"/etc/hosts has a line that is not an address with names: {line[:60]!r}"
                self._refuse(file, index, "target-value", message, "write `ADDRESS NAME...` on each line")
        for address, hosts in names.items():
            if not {"localhost"} & set(hosts):
                self._add("StaticHostConfig", name=address, hostnames=list(dict.fromkeys(hosts)))

    def _etc_file(self, file: File, index: int, text: str) -> None:
        name = file.path.removeprefix("/etc/")
        if not file.path.startswith("/etc/"):
            hint = "put data on a volume below /var/mnt, and programs into a system extension"
            self._refuse(file, index, "target-path", f"Talos writes files below /etc only, not {file.path}", hint)
        elif name.startswith(".") or name in _OWN_FILES or name.split("/", 1)[0] in _OWN_FOLDERS:
            hint = "say it in Talos' own words in targets.talos.patches"
            self._refuse(file, index, "target-path", f"Talos writes {file.path} itself", hint)
        else:
            mode = 0o644 if file.mode is None else file.mode
            self._add("EtcFileConfig", name=name, mode=Octal12(mode), contents=text)

    def _old_file(self, file: File, index: int, text: str) -> None:
        if not file.path.startswith("/var/"):
            hint = (
                "1.14 writes files below /etc: --target talos@1.14"
                if file.path.startswith("/etc/")
                else "write below /var"
            )
            self._refuse(file, index, "target-path", f"Talos 1.13 makes files below /var only, not {file.path}", hint)
            return
        mode = 0o644 if file.mode is None else file.mode
        entry = {"content": text, "permissions": Octal12(mode), "path": file.path, "op": "create"}
        self._machine.setdefault("files", []).append(entry)

    def _containers(self) -> None:
        for quadlet in self._plan.facts.quadlets:
            if not self.modern:
                message = "Talos 1.13 runs no containers without Kubernetes"
                self._findings.error(
                    "target-no-units", message, quadlet.place, hint="1.14 does: --target talos@1.14", skip=quadlet.skip
                )
            elif (made := container(quadlet, self._findings)) is not None:
                self.documents.append(made)

    def _install(self) -> None:
        install = dict(self._plan.native.get("install", {}))
        if self.modern:
            if install:
                self._add("UnattendedInstallConfig", **install)
            return
        arguments = list(self._plan.config.kernel_arguments.should_exist)
        if arguments:
            install["extraKernelArgs"] = [*install.get("extraKernelArgs", []), *arguments]
            place = self._plan.place("kernel_arguments", "should_exist")
            message = "the installer gives kernel arguments to GRUB only; machines with systemd-boot ignore them"
            self._findings.warning(
                "target-lost", message, place, hint="make the image with these arguments at the Image Factory"
            )
        if install:
            self._machine["install"] = install


def _logical_lines(text: str) -> Iterator[str]:
    """The lines of udev rules, continued ones joined. Source: udev(7)."""
    return (line.strip() for line in text.replace("\\\n", "").splitlines())


_NO_USERS = No("target-no-users", "Talos has no users, no shell and no SSH", "manage the machine with talosctl")
_NO_UNITS = No(
    "target-no-units", "Talos runs no systemd units",
    "a container can run as a quadlet, which becomes a ContainerConfig; anything else belongs into a system extension",
)  # fmt: skip
_NO_LINKS = No("target-no-links", "Talos makes no links", "write the file where it is read")
_NO_REMOTE = No("target-no-remote", "Talos fetches no files", "embed the contents with local or inline")
_NO_IDENTITY = No("target-no-disks", "Talos chooses start, GUID and type of partitions itself", "leave them out")
_SUPPORT: dict[str, Takes | No] = {
    **dict.fromkeys(FIELDS, NATIVE),
    **{name: _NO_USERS for name in FIELDS if name.partition(".")[0] == "users"},
    **{name: No("target-no-groups", "Talos has no groups") for name in FIELDS if name.partition(".")[0] == "groups"},
    "timezone": No(
        "target-no-timezone", "Talos keeps its clock and its logs in UTC", "set TZ in the containers that need it"
    ),
    "blocked_modules": No(
        "target-value", "Talos blocks no kernel modules", "module_blacklist=NAME among the kernel arguments does it"
    ),
    "kernel_arguments": native("in a schematic of the Image Factory (1.13: of the installer, GRUB only)"),
    "absent_kernel_arguments": No(
        "target-no-karg-removal", "Talos removes no kernel arguments", "leave them out of the schematic"
    ),
    "files": native(
        "below /etc, but for those of Talos itself (1.13: below /var); /etc/hosts and udev rules as documents of their own"
    ),
    "files.binary": No("target-value", "Talos writes files of text only"),
    "files.owner": No("target-no-owner", "files of Talos belong to root"),
    "files.special_bits": No("target-value", "Talos writes no files with set-id or sticky bits"),
    **{name: _NO_REMOTE for name in FIELDS if name.startswith("files.remote")},
    "files.append": No("target-no-append", "Talos appends to no files", "write the file as a whole"),
    "directories": No("target-no-directories", "Talos makes no directories", "a volume is a directory below /var/mnt"),
    "links": _NO_LINKS,
    "hard_links": _NO_LINKS,
    **dict.fromkeys(("units", "units_by_name", "dropins", "masks"), _NO_UNITS),
    "quadlets": native("1.14: .container files with the settings that a ContainerConfig has"),
    "disks": native("each partition as a volume"),
    "disks.wipe_table": native("never wiped by Talos"),
    "disks.identity": _NO_IDENTITY,
    "disks.resize": No("target-no-disks", "the size of a volume is fixed when it is made"),
    "disks.deletion": No("target-no-disks", "Talos deletes no partitions of others", "use talosctl wipe disk"),
    "filesystems": native("ext4, xfs and (1.14) btrfs, mounted at /var/mnt/NAME"),
    "filesystems.wipe": native("never wiped by Talos"),
    "filesystems.options": No("target-value", "Talos passes no options to mkfs", "leave them out"),
    "filesystems.uuid": No("target-value", "Talos chooses the UUID of a filesystem", "name the volume by its label"),
    "luks": native("with clevis.tpm2"),
    "luks.clevis": native("tpm2"),
    "luks.cex": No("target-no-luks", "Talos does not support CEX", "use clevis.tpm2"),
    "raid": native("1.14: raid1"),
    "remote_configs": No(
        "target-no-merge", "Talos merges no other configs at boot", "embed the other config with local"
    ),
    "fetching": No(
        "target-no-fetching", "Talos fetches nothing that a config names", "leave the settings of fetching out"
    ),
}

TARGETS = {
    "talos": Target(
        "talos",
        "Talos Linux",
        write=write,
        reports_by_writing=True,
        support=_SUPPORT,
        outputs=(PATCH, SCHEMATIC),
        versions=("1.13", "1.14"),
        default_version="1.14",
        options={"patches": "list", "install": "map"},
        mounts=True,
        platforms=("aws", "azure", "digitalocean", "gcp", "hetzner", "openstack"),
        gzips=True,
    ),
}
