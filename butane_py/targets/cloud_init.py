"""cloud-init: a cloud-config for any image that has cloud-init. Flavour `bootc`: nothing that would install packages.

Source: the documentation of cloud-init 26.2 (modules and their order) and its JSON Schema; behaviour of 22.4.2 and 26.2, measured.
Modules run in this order: bootcmd, write_files, disk_setup, mounts, ca_certs, users_groups, ntp, timezone, write_files_deferred, runcmd.
"""

from __future__ import annotations

import base64
import posixpath
from typing import Any

from butane_py.decompiler.unpack import as_text
from butane_py.emit import shell
from butane_py.emit.document import Row, document
from butane_py.resources import gzip_stream
from butane_py.targets.cloud_init_disks import disk_commands, fs_setup, mounts
from butane_py.targets.fields import FIELDS, SPECIAL_BITS
from butane_py.targets.layouts import CHRONY, Layout
from butane_py.targets.model import FILES, NATIVE, Chosen, No, Takes, Target, files, native
from butane_py.targets.nodes import (
    DEFAULT_DIRECTORY,
    DEFAULT_FILE,
    Piece,
    below,
    has_owner,
    missing_parents,
    owner_of,
    pieces,
    starts_early,
    unit_files,
)
from butane_py.targets.options import merged
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.spec import tables as spec

BOOTC = "bootc"
_PER_INSTANCE = ["cloud-init-per", "instance"]
_SCHEMES = ("http://", "https://", "ftp://", "file://")
_WORTH_GZIP = 0.8  # of the length without it
# Files that the machine has read before cloud-init writes them, and the commands that read them again, in the order of a boot. Source:
# bootup(7), and the manual pages of the folders.
_CONFIG_FOLDERS = ("/etc", "/usr/local/lib", "/usr/lib")
_READ_EARLIER = {
    "systemd/system.conf.d": [["systemctl", "daemon-reexec"]],
    "sysusers.d": [["systemd-sysusers"]],
    "modules-load.d": [["systemctl", "restart", "systemd-modules-load.service"]],
    "sysctl.d": [["sysctl", "--system"]],
    "tmpfiles.d": [["systemd-tmpfiles", "--create"]],
    "udev/rules.d": [["udevadm", "control", "--reload"], ["udevadm", "trigger"]],
}
_QUADLET_SERVICES = {".container": ".service", ".kube": ".service", ".pod": "-pod.service"}


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The cloud-config: facts, users, disks, files and commands, and over them what `targets.cloud-init` says."""
    config = _Writer(plan, findings).config()
    text = f"#cloud-config\n# {plan.heading}\n{document(config)}"
    return {"cloud-init.yaml": text.encode("utf-8", "surrogateescape")}


class _Writer:
    """Collects what the modules of cloud-init are to do."""

    def __init__(self, plan: Plan, findings: Findings) -> None:
        self._plan = plan
        self._findings = findings
        self._native = dict(plan.native)
        self._boot: list[list[str]] = []
        self._files: list[dict[str, Any]] = []
        self._run: list[list[str]] = []
        self._mounted = [
            filesystem.path
            for index, filesystem in enumerate(plan.config.storage.filesystems)
            if filesystem.path and index in plan.mounted
        ]
        self._homes = ["/home", *(user.home_dir for user in plan.config.passwd.users if user.home_dir)]

    def config(self) -> dict[str, Any]:
        """The whole cloud-config, in the order in which its modules run, without empty keys."""
        self._check_mounts()
        default_user = self._native.pop("default_user", True)
        groups, users = self._groups(), self._users()
        self._boot += disk_commands(self._plan)
        self._parents()
        self._write_files()
        self._units()
        self._commands_of_this_boot()
        if users and default_user:
            users.insert(0, "default")
        made = {
            **self._facts(),
            "groups": groups,
            "users": users,
            **self._authorities(),
            "bootcmd": self._boot,
            "fs_setup": fs_setup(self._plan),
            "mounts": mounts(self._plan),
            "write_files": self._files,
            "runcmd": self._run,
        }
        result: dict[str, Any] = merged({key: value for key, value in made.items() if value}, self._native)
        for key in ("bootcmd", "mounts", "runcmd"):
            if isinstance(result.get(key), list):
                result[key] = [Row(entry) if isinstance(entry, list) else entry for entry in result[key]]
        return result

    def _facts(self) -> dict[str, Any]:
        facts = self._plan.facts
        made: dict[str, Any] = {}
        if facts.hostname:
            name = facts.hostname.value
            made["hostname"] = name.partition(".")[0]
            if "." in name:
                made.update(fqdn=name, prefer_fqdn_over_hostname=True)
        if facts.timezone:
            made["timezone"] = facts.timezone.value
        if facts.time_servers and self._takes_natively("time_servers"):
            made["ntp"] = {"enabled": True, "servers": [server.value for server in facts.time_servers]}
        return made

    def _authorities(self) -> dict[str, Any]:
        certificates = self._plan.facts.certificates
        if not certificates or not self._takes_natively("ca_certificates"):
            return {}
        return {"ca_certs": {"trusted": [block for each in certificates for block in each.blocks]}}

    def _takes_natively(self, field: str) -> bool:
        cell = self._plan.chosen.takes(field)
        return cell is not None and cell.native

    def _groups(self) -> list[str]:
        """Groups without an id; those with one are made before, by a command."""
        names = []
        for group in self._plan.config.passwd.groups:
            if group.gid is None and not group.system:
                names.append(group.name)
                continue
            flags = [
                *(["--system"] if group.system else []),
                *(["--gid", str(group.gid)] if group.gid is not None else []),
            ]
            script = f"{shell.words('getent', 'group', group.name)} || {shell.words('groupadd', *flags, group.name)}"
            self._boot.append([*_PER_INSTANCE, f"butane-group-{group.name}", "sh", "-c", script])
        return names

    def _users(self) -> list[Any]:
        users = self._plan.config.passwd.users
        for index, user in enumerate(users):
            homeless = "no_create_home" if user.no_create_home else "system" if user.system else ""
            if homeless and user.ssh_authorized_keys:
                message = f"cloud-init refuses keys of a user with {homeless}, and makes no user after it"
                place = self._plan.place("passwd", "users", index, "ssh_authorized_keys")
                skip = f"passwd.users.{user.name}.ssh_authorized_keys"
                self._findings.error("target-value", message, place, hint=f"remove {homeless}", skip=skip)
        return [self._user(user) for user in users]

    def _user(self, user: spec.PasswdUser) -> dict[str, Any]:
        made: dict[str, Any] = {"name": user.name}
        plain = {
            "gecos": user.gecos,
            "uid": user.uid,
            "primary_group": user.primary_group,
            "groups": Row(user.groups),
            "homedir": user.home_dir,
            "no_create_home": user.no_create_home,
            "no_user_group": user.no_user_group,
            "no_log_init": user.no_log_init,
            "system": user.system,
            "shell": user.shell,
        }
        made.update({key: value for key, value in plain.items() if value or (key == "uid" and value is not None)})
        made["lock_passwd"] = not user.password_hash
        if user.password_hash:
            made["hashed_passwd"] = user.password_hash
        if user.ssh_authorized_keys:
            made["ssh_authorized_keys"] = list(user.ssh_authorized_keys)
        if self._plan.is_admin(user.name):
            made["sudo"] = "ALL=(ALL) NOPASSWD:ALL"
        return made

    def _parents(self) -> None:
        """Directories with their modes and owners, folders of links, and the links."""
        storage = self._plan.config.storage
        for directory in storage.directories:
            if directory.mode is None:
                self._run.append(["mkdir", "-p", directory.path])
                if has_owner(directory):
                    self._run.append(["chown", str(owner_of(directory)), directory.path])
                continue
            owner = owner_of(directory)
            mode = _octal(directory.mode, DEFAULT_DIRECTORY)
            self._run.append(["install", "-d", "-m", mode, "-o", owner.user, "-g", owner.group, directory.path])
        if parents := missing_parents(self._plan):
            self._run.append(["mkdir", "-p", *parents])
        for link in storage.links:
            if link.overwrite:
                self._run.append(["rm", "-rf", link.path])
            self._run.append(["ln", "-fT" if link.hard else "-sfT", link.target or "", link.path])
            if has_owner(link):
                self._run.append(["chown", "-h", str(owner_of(link)), link.path])

    def _write_files(self) -> None:
        for index, file in enumerate(self._plan.config.storage.files):
            found = pieces(file)
            if not found:
                self._touch(file)
            for number, piece in enumerate(found):
                self._piece(index, file, piece, first=number == 0)

    def _touch(self, file: spec.File) -> None:
        """A file that is only to exist, with its mode and owner."""
        self._run.append(["touch", file.path])
        if has_owner(file):
            self._run.append(["chown", str(owner_of(file)), file.path])
        if file.mode is not None:
            self._run.append(["chmod", _octal(file.mode, DEFAULT_FILE), file.path])

    def _piece(self, index: int, file: spec.File, piece: Piece, *, first: bool) -> None:
        """One entry of write_files, or a command that appends where the entry would change the mode of what is there."""
        if first and piece.append and file.mode is None and piece.data is not None:
            encoded = base64.b64encode(piece.data).decode()
            parent = shell.words("mkdir", "-p", posixpath.dirname(file.path))
            self._run.append(["sh", "-c", f"{parent} && echo {encoded} | base64 -d >>{shell.word(file.path)}"])
            return
        owner = owner_of(file)
        mode = DEFAULT_FILE if file.mode is None else file.mode
        later = not owner.by_name or bool(
            mode & SPECIAL_BITS
        )  # by a command: ids are no names, and set-id bits do not survive a chown
        entry: dict[str, Any] = {"path": file.path}
        if owner.by_name and not owner.is_root:
            entry["owner"] = str(owner)
        entry["permissions"] = "0600" if later else _octal(mode, DEFAULT_FILE)
        if not owner.is_root or self._is_deferred(file.path):
            entry["defer"] = True
        if piece.append:
            entry["append"] = True
        if piece.data is None:
            self._remote(index, piece, entry)
        else:
            entry.update(_content(piece.data))
        self._files.append(entry)
        if later:
            commands = [["chown", str(owner), file.path], ["chmod", _octal(mode, DEFAULT_FILE), file.path]]
            self._run = [each for each in self._run if each not in commands] + commands

    def _remote(self, index: int, piece: Piece, entry: dict[str, Any]) -> None:
        uri = piece.resource.source or ""
        if not uri.lower().startswith(_SCHEMES):
            place = self._plan.place("storage", "files", index, "contents", "source")
            skip = f"storage.files.{entry['path']}"
            self._findings.error(
                "target-value",
                f"cloud-init does not fetch {uri.partition(':')[0]} URLs",
                place,
                hint="serve it by https",
                skip=skip,
            )
        source: dict[str, Any] = {"uri": uri}
        headers = {header.name: header.value for header in piece.resource.http_headers if header.value is not None}
        if headers:
            source["headers"] = headers
        entry["source"] = source

    def _is_deferred(self, path: str) -> bool:
        """True if the file would be written too early: below a mount of this config, or below a home."""
        return any(below(path, folder) for folder in (*self._mounted, *self._homes))

    def _check_mounts(self) -> None:
        """Files below a filesystem that nothing mounts after provisioning would be written to the root filesystem."""
        storage = self._plan.config.storage
        nodes: list[spec.Node] = [*storage.files, *storage.directories, *storage.links]
        for index, filesystem in enumerate(storage.filesystems):
            path = filesystem.path
            if not path or index in self._plan.mounted or not any(below(node.path, path) for node in nodes):
                continue
            message = (
                f"cloud-init mounts {path} only for good, and nothing says that it stays mounted; files lie below it"
            )
            place = self._plan.place("storage", "filesystems", index)
            self._findings.error("target-mountpoint", message, place, hint="add with_mount_unit: true")

    def _units(self) -> None:
        """Units and drop-ins as files, and the commands that enable, disable and mask; last, so that all files are there."""
        plan = self._plan
        for file in unit_files(plan):
            self._files.append({"path": file.path, "permissions": "0644", **_content(file.data)})
        units = plan.config.systemd.units
        quadlets = self._quadlet_services()
        if any(unit.contents or unit.dropins for unit in units) or quadlets:
            self._run.append(["systemctl", "daemon-reload"])
        self._run += [["systemctl", "mask", unit.name] for unit in units if unit.mask]
        self._run += [["systemctl", "disable", unit.name] for unit in units if unit.enabled is False and not unit.mask]
        for unit in units:
            if unit.enabled and not unit.mask:
                self._run.append(["systemctl", "enable", *([] if starts_early(unit) else ["--now"]), unit.name])
        self._run += [["systemctl", "start", name] for name in quadlets]

    def _quadlet_services(self) -> list[str]:
        """The services of quadlets that start at boot: Podman's generator enables them by the section [Install]."""
        found = []
        for file in self._plan.config.storage.files:
            folder, name = posixpath.split(file.path)
            stem, suffix = posixpath.splitext(name)
            data = b"".join(piece.data or b"" for piece in pieces(file))
            if (
                folder == "/etc/containers/systemd"
                and suffix in _QUADLET_SERVICES
                and b"[Install]" in data
                and not stem.endswith("@")
            ):
                found.append(f"{stem}{_QUADLET_SERVICES[suffix]}")
        return found

    def _commands_of_this_boot(self) -> None:
        """What makes files and facts count in this boot already. They come before the units, which may depend on them."""
        facts, commands = self._plan.facts, []
        paths = [file.path for file in self._plan.config.storage.files]
        for folder, readers in _READ_EARLIER.items():
            if any(below(path, f"{parent}/{folder}") for path in paths for parent in _CONFIG_FOLDERS):
                commands += readers
        if facts.certificates and not self._takes_natively("ca_certificates"):
            commands.append(["update-ca-trust"])
        if facts.time_servers and not self._takes_natively("time_servers"):
            commands.append(["systemctl", "try-restart", "chronyd.service"])
        if any(mirror.registry == "docker.io" for mirror in facts.mirrors):
            commands.append(["systemctl", "try-restart", "docker.service"])
        self._run[:0] = commands


def _octal(mode: int, default: int) -> str:
    return f"{default if mode is None else mode:04o}"


def _content(data: bytes) -> dict[str, str]:
    """`content`, and `encoding` for what is not a text, or much smaller compressed."""
    packed = base64.b64encode(gzip_stream(data)).decode()
    text = as_text(data)
    if text is not None and (len(data) < 1024 or len(packed) > _WORTH_GZIP * len(data)):
        return {"content": text}
    plain = base64.b64encode(data).decode()
    if len(packed) < _WORTH_GZIP * len(plain):
        return {"encoding": "gz+b64", "content": packed}
    return {"encoding": "b64", "content": plain}


def _differs(chosen: Chosen) -> dict[str, Takes | No]:
    """Images of bootc have a read-only /usr: no package can be installed, and the folders are Fedora's."""
    return {"time_servers": FILES, "ca_certificates": FILES} if chosen.flavour == BOOTC else {}


_NO_ARGUMENTS = "cloud-init sets no kernel arguments"
_ARGUMENTS_HINT = "set them in the image (bootc: /usr/lib/bootc/kargs.d), or by grubby in runcmd with a power_state"
TARGETS = {
    "cloud-init": Target(
        "cloud-init",
        "cloud-init",
        write=write,
        outputs=("cloud-init.yaml",),
        flavours=("generic", BOOTC),
        differs=_differs,
        layout=lambda _chosen: Layout(time=CHRONY),
        open_options=True,
        options={"default_user": "bool"},
        mounts=True,
        platforms=("aws", "azure", "gcp", "openstack", "digitalocean", "hetzner"),
        gzips=True,
        support={
            **dict.fromkeys(FIELDS, NATIVE),
            "time_servers": native("installs an NTP client where there is none; flavour bootc writes /etc/chrony.conf"),
            **dict.fromkeys(
                ("sysctl", "kernel_modules", "module_parameters", "blocked_modules", "proxy", "registry_mirrors"), FILES
            ),
            "quadlets": files("the image needs Podman"),
            "kernel_arguments": No("target-no-kargs", _NO_ARGUMENTS, _ARGUMENTS_HINT),
            "absent_kernel_arguments": No("target-no-karg-removal", _NO_ARGUMENTS, _ARGUMENTS_HINT),
            "users.password": native("of users that exist already too"),
            "users.absent": No(
                "target-no-users", "cloud-init removes no users", "remove it by userdel in targets.cloud-init.runcmd"
            ),
            "groups.gid": native("by groupadd in bootcmd"),
            "groups.password": No("target-no-password", "cloud-init sets no passwords of groups"),
            "groups.absent": No(
                "target-no-groups", "cloud-init removes no groups", "remove it by groupdel in targets.cloud-init.runcmd"
            ),
            "files.remote": native("http, https, ftp; cloud-init 26.2 or later"),
            "files.remote.verification": No(
                "target-no-verification",
                "cloud-init does not check digests of what it fetches",
                "embed the file with local, or fetch it by a unit",
            ),
            "files.remote.compression": No(
                "target-no-remote", "cloud-init does not unpack what it fetches", "serve the file unpacked"
            ),
            "disks": native("by sfdisk in bootcmd"),
            "disks.resize": No("target-no-disks", "cloud-init resizes no partitions but the root's (growpart)"),
            "disks.deletion": No(
                "target-no-disks", "cloud-init deletes no partitions", "set wipe_table for a new table"
            ),
            "luks": No(
                "target-no-luks",
                "cloud-init makes no LUKS volumes",
                "run cryptsetup in targets.cloud-init.bootcmd, or use an encrypted image",
            ),
            "raid": No("target-no-raid", "cloud-init makes no RAID arrays", "run mdadm in targets.cloud-init.bootcmd"),
            "remote_configs": No(
                "target-no-merge",
                "cloud-init merges no Ignition configs",
                "embed the config with local, or compile it apart",
            ),
            "fetching": No(
                "target-no-fetching",
                "cloud-init has no such settings for what it fetches",
                "say the proxy in machine.proxy",
            ),
        },
    )
}
