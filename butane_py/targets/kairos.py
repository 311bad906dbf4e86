"""Kairos: a cloud-config with the keys of its installer, and stages of yip, which run on every boot.

Source: the documentation of Kairos 4.2 and the behaviour of yip 1.25. Within a step yip works in an order of its own (directories, files,
commands, users, timesyncd, systemctl), so what depends on another is in a later step. Errors of a step do not stop the boot. Go's
text/template runs over contents, commands and conditions, base64 or not. `/etc`, `/var` and `/srv` are made anew on every boot, but for
what is persistent.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from butane_py.decompiler.unpack import as_text
from butane_py.emit import shell
from butane_py.emit.document import Octal, document
from butane_py.targets.fields import FIELDS, SPECIAL_BITS
from butane_py.targets.kairos_disks import check_disks, disk_steps
from butane_py.targets.layouts import Layout
from butane_py.targets.model import FILES, NATIVE, Chosen, No, Takes, Target, native
from butane_py.targets.nodes import DEFAULT_FILE, ROOT, Owner, below, has_owner, owner_of, pieces, unit_files
from butane_py.targets.options import merged
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from butane_py.targets.schemas import hold
from ignition_py.spec import tables as spec

ALPINE = "alpine"
_DEBIAN = Layout(anchors="/usr/local/share/ca-certificates", anchor_suffix=".crt", admin_group="admin", docker=False)
_FLAVOURS = {
    "ubuntu": _DEBIAN,
    "debian": _DEBIAN,
    "opensuse": _DEBIAN.but(anchors="/etc/pki/trust/anchors", anchor_suffix=".pem"),
    "fedora": _DEBIAN.but(anchors="/etc/pki/ca-trust/source/anchors", anchor_suffix=".pem"),
    ALPINE: _DEBIAN,
}
_OWN_USERS = ("root", "kairos")  # whose passwords stay where the config has none
_REMOTE_KEY = re.compile(r"(?:github|gitlab):|https?://")
_SCHEMES = ("http://", "https://")
_WRITABLE = ("/etc", "/var", "/srv", "/run", "/tmp")  # noqa: S108  # folders of the system, made anew on every boot
_PERSISTENT = (
    "/usr/local", "/oem", "/home", "/root", "/opt", "/etc/systemd", "/etc/modprobe.d", "/etc/rancher", "/etc/ssh", "/etc/ssl/certs",
    "/etc/sysconfig", "/etc/cni", "/etc/kubernetes", "/etc/k0s", "/etc/iscsi", "/etc/zfs", "/var/log", "/var/cores",
    *(f"/var/lib/{name}" for name in ("rancher", "kubelet", "containerd", "cni", "calico", "etcd", "longhorn", "k0s", "dbus", "extensions",
                                      "confexts", "tailscale", "wicked", "osd", "rook", "kairos", "ca-certificates")),
)  # fmt: skip


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The cloud-config."""
    made = _Writer(plan).config()
    config = merged(made, plan.native)
    hold(config, plan, findings)
    if "stages" in config:  # the keys of the installer stand above
        config = {**{key: value for key, value in config.items() if key != "stages"}, "stages": config["stages"]}
    return {"kairos.yaml": f"#cloud-config\n# {plan.heading}\n{document(config)}".encode("utf-8", "surrogateescape")}


def escaped(text: str) -> str:
    """Text that Go's text/template makes the same text of."""
    return text.replace("{{", '{{"{{"}}')


class _Writer:
    """Collects the steps of the stages."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._commands: list[str] = []
        self._directories: list[dict[str, Any]] = []
        self._files: list[dict[str, Any]] = []
        self._downloads: list[dict[str, Any]] = []
        self._checks: list[str] = []  # of downloads

    def config(self) -> dict[str, Any]:
        plan = self._plan
        arguments = plan.config.kernel_arguments.should_exist
        install = {"grub_options": {"extra_cmdline": " ".join(arguments)}} if arguments else {}
        self._nodes()
        initramfs = [self._first_step(), self._users(), self._files_step()]
        network = {"name": "butane downloads", "downloads": self._downloads, "commands": self._checks}
        stages = {
            "initramfs": [step for step in map(_without_empty, initramfs) if len(step) > 1],
            "fs": disk_steps(plan),
            "network": [_without_empty(network)] if self._downloads else [],
        }
        return _without_empty({"install": install, "stages": _without_empty(stages)})

    def _first_step(self) -> dict[str, Any]:
        """Groups, and the folders of files: yip would give a missing folder the mode of the file."""
        passwd = self._plan.config.passwd
        entities, commands = [], []
        for group in passwd.groups:
            if group.gid is not None:
                entity = document({"kind": "group", "group_name": group.name, "password": "x", "gid": group.gid, "users": ""})
                entities.append({"path": "/etc/group", "entity": escaped(entity)})
            else:
                commands.append(_group_command(group.name, system=bool(group.system)))
        made = {group.name for group in passwd.groups}
        used = [
            name
            for user in passwd.users
            for name in (*user.groups, *([user.primary_group] if user.primary_group else []))
        ]
        commands += [_group_command(name, system=True) for name in dict.fromkeys(used) if name not in made]
        parents = self._parents()
        if parents:
            commands.append(f"umask 022; {shell.words('mkdir', '-p', *parents)}")
        return {"name": "butane groups", "ensure_entities": entities, "commands": list(map(escaped, commands))}

    def _parents(self) -> list[str]:
        """Folders that files and links lie in, each once."""
        storage = self._plan.config.storage
        paths = [node.path for nodes in (storage.files, storage.links) for node in nodes]
        paths += [file.path for file in unit_files(self._plan)]
        folders = dict.fromkeys(posixpath.dirname(path) for path in paths)
        return [folder for folder in folders if folder not in ("/", *_WRITABLE)]

    def _users(self) -> dict[str, Any]:
        plan = self._plan
        users = {user.name: _user(user) for user in plan.config.passwd.users}
        keys = {user.name: [key.strip() for key in user.ssh_authorized_keys] for user in plan.config.passwd.users}
        return {
            "name": "butane users",
            "hostname": plan.facts.hostname.value if plan.facts.hostname else "",
            "users": {name: keys for name, keys in users.items() if keys},
            "authorized_keys": {name: lines for name, lines in keys.items() if lines},
        }

    def _nodes(self) -> None:
        storage = self._plan.config.storage
        for directory in storage.directories:
            self._directory(directory)
        for file in storage.files:
            self._file(file)
        for unit in unit_files(self._plan):
            self._files.append(
                {"path": unit.path, "permissions": Octal(0o644), "owner": 0, "group": 0, **_content(unit.data)}
            )
        for link in storage.links:
            if link.overwrite:
                self._commands.append(shell.words("rm", "-rf", "--", link.path))
            self._commands.append(shell.words("ln", "-fT" if link.hard else "-sfT", "--", link.target or "", link.path))
            if has_owner(link):
                self._commands.append(shell.words("chown", "-h", str(owner_of(link)), link.path))
        if self._plan.facts.certificates:
            self._commands.append("update-ca-certificates || update-ca-trust")

    def _directory(self, directory: spec.Directory) -> None:
        path, owner = directory.path, owner_of(directory)
        if directory.mode is None:
            self._commands.append(shell.words("mkdir", "-p", path))
        else:
            ids = _ids(owner) or {"owner": 0, "group": 0}
            self._directories.append({"path": path, "permissions": Octal(directory.mode & 0o777), **ids})
        self._after(path, directory, by_command=directory.mode is None or _ids(owner) is None)

    def _after(self, path: str, node: spec.Directory | spec.File, *, by_command: bool) -> None:
        """Commands for what yip's own fields cannot say: owners of directories by name, set-id and sticky bits."""
        owner = owner_of(node)
        if by_command and (not owner.is_root or has_owner(node)):
            self._commands.append(shell.words("chown", str(owner), path))
        if node.mode is not None and node.mode & SPECIAL_BITS:
            self._commands.append(shell.words("chmod", f"{node.mode:04o}", path))

    def _file(self, file: spec.File) -> None:
        owner = owner_of(file)
        mode = DEFAULT_FILE if file.mode is None else file.mode
        entry: dict[str, Any] = {"path": file.path, "permissions": Octal(mode & 0o777)}
        ids = _ids(owner)
        by_command = ids is None and not owner.by_name
        entry.update(ids or ({"owner": 0, "group": 0} if by_command else {"ownerstring": str(owner)}))
        found = pieces(file)
        if not found:
            self._commands.append(shell.words("touch", file.path))
            self._after(file.path, file, by_command=True)
            if file.mode is not None and not file.mode & SPECIAL_BITS:
                self._commands.append(shell.words("chmod", f"{file.mode:04o}", file.path))
            return
        if found[0].data is None:
            self._download(file, entry)
        else:
            self._files.append({**entry, **_content(found[0].data)})
            self._after(file.path, file, by_command=by_command)

    def _download(self, file: spec.File, entry: dict[str, Any]) -> None:
        """A file that is fetched once the network is up; a wrong digest removes it again."""
        self._downloads.append(
            {"path": file.path, "url": file.contents.source, **{key: entry[key] for key in entry if key != "path"}}
        )
        kind, _, digest = (file.contents.verification.hash or "").partition("-")
        if digest:
            path = shell.word(file.path)
            command = f"echo {shell.word(f'{digest.lower()}  {file.path}')} | {kind}sum -c || rm -f -- {path}"
            self._checks.append(escaped(command))

    def _files_step(self) -> dict[str, Any]:
        units = self._plan.config.systemd.units
        systemctl = {
            "enable": [unit.name for unit in units if unit.enabled and not unit.mask],
            "disable": [unit.name for unit in units if unit.enabled is False and not unit.mask],
            "mask": [unit.name for unit in units if unit.mask],
        }
        servers = " ".join(server.value for server in self._plan.facts.time_servers)
        return {
            "name": "butane files",
            "directories": self._directories,
            "files": self._files,
            "commands": list(map(escaped, self._commands)),
            "timesyncd": {"NTP": servers} if servers else {},
            "systemctl": _without_empty(systemctl),
        }


def _ids(owner: Owner) -> dict[str, Any] | None:
    """The fields of an owner by numbers; None for one by name."""
    numbers = ["0" if part == ROOT else part for part in (owner.user, owner.group)]
    return {"owner": int(numbers[0]), "group": int(numbers[1])} if all(map(str.isdigit, numbers)) else None


def _without_empty(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value not in ("", [], {}, None)}


def _group_command(name: str, *, system: bool) -> str:
    word = shell.word(name)
    flag = "--system " if system else ""
    return f"getent group {word} >/dev/null || groupadd {flag}{word} || addgroup {word}"


def _content(data: bytes) -> dict[str, str]:
    """`content`, with its braces escaped, and `encoding` for what is not a text. yip runs templates behind the decoding."""
    data = data.replace(b"{{", b'{{"{{"}}')
    text = as_text(data)
    return {"content": text} if text is not None else {"encoding": "b64", "content": base64.b64encode(data).decode()}


def _user(user: spec.PasswdUser) -> dict[str, Any]:
    """The fields of a user. Without a hash the password is `*`: yip would leave an empty one, which needs no password."""
    made: dict[str, Any] = {}
    if user.password_hash or user.name not in _OWN_USERS:
        made["passwd"] = user.password_hash or "*"
    plain = {
        "gecos": user.gecos, "uid": None if user.uid is None else str(user.uid), "primary_group": user.primary_group,
        "groups": list(user.groups),
        "homedir": user.home_dir, "no_create_home": user.no_create_home, "no_user_group": user.no_user_group,
        "no_log_init": user.no_log_init, "system": user.system, "shell": user.shell,
    }  # fmt: skip
    made.update({key: value for key, value in plain.items() if value})
    return made


def check(plan: Plan, findings: Findings) -> None:
    """Reports what Kairos would do without a word: writing to nowhere, losing state, not installing."""
    _check_paths(plan, findings)
    _check_keys(plan, findings)
    check_disks(plan, findings)
    for index, file in enumerate(plan.config.storage.files):
        source = file.contents.source or ""
        if not source.lower().startswith(("data:", *_SCHEMES)) and source:
            place = plan.place("storage", "files", index, "contents", "source")
            message = f"Kairos does not fetch {source.partition(':')[0]} URLs"
            findings.error("target-value", message, place, hint="serve it by https", skip=f"storage.files.{file.path}")
    arguments = plan.config.kernel_arguments.should_exist
    if arguments:
        message = "Kairos sets kernel arguments when it is installed, and not on trusted boot (UKI)"
        findings.warning(
            "target-reboot",
            message,
            plan.place("kernel_arguments", "should_exist", 0),
            hint="install with them, or build them into the image",
        )
    admins = any(
        user.name and (plan.is_admin(user.name) or "admin" in user.groups) for user in plan.config.passwd.users
    )
    install = plan.native.get("install")
    without = isinstance(install, dict) and install.get("nousers")
    if not admins and not without and "admin" not in str(plan.native.get("stages", "")):
        assert plan.native_where is not None
        place = plan.place("passwd", "users") if plan.config.passwd.users else plan.native_where(())
        hint = "give a user admin: true, or set targets.kairos.install.nousers: true"
        findings.warning(
            "target-no-admin", "Kairos does not install without a user in the group admin", place, hint=hint
        )


def _check_paths(plan: Plan, findings: Findings) -> None:
    storage = plan.config.storage
    install = plan.native.get("install")
    more = install.get("extra-dirs-rootfs", []) if isinstance(install, dict) else []
    folders = (*_WRITABLE, *_PERSISTENT, *(each for each in more if isinstance(each, str)))
    for kind in ("files", "directories", "links"):
        for index, node in enumerate(getattr(storage, kind)):
            place = plan.place("storage", kind, index)
            skip = f"storage.{kind}.{node.path}"
            if not any(below(node.path, folder) for folder in folders):
                hint = "write below /usr/local, /etc, /opt or /var, or have the folder made: targets.kairos.install.extra-dirs-rootfs"
                findings.error("target-path", f"{node.path} is read-only on Kairos", place, hint=hint, skip=skip)
            elif (
                kind != "links"
                and below(node.path, "/var")
                and not any(below(node.path, folder) for folder in _PERSISTENT)
            ):
                message = f"Kairos makes {node.path} anew on every boot: what programs write there is lost"
                findings.warning(
                    "target-every-boot",
                    message,
                    place,
                    hint="keep state below /usr/local, /opt or /home, or bind it: install.bind_mounts",
                )


def _check_keys(plan: Plan, findings: Findings) -> None:
    """Keys that are names or addresses are fetched without a check of the server's certificate."""
    for index, user in enumerate(plan.config.passwd.users):
        for number, key in enumerate(user.ssh_authorized_keys):
            if _REMOTE_KEY.match(key.strip()):
                place = plan.place("passwd", "users", index, "ssh_authorized_keys", number)
                message = "Kairos would fetch this key, without checking the server"
                findings.error(
                    "target-value",
                    message,
                    place,
                    hint="write the key itself",
                    skip=f"passwd.users.{user.name}.ssh_authorized_keys",
                )
    assert plan.native_where is not None
    for path, text in _texts(plan.native, ()):
        if {"authorized_keys", "ssh_authorized_keys"} & set(path) and _REMOTE_KEY.match(text):
            message = "Kairos fetches this key without checking the certificate of the server"
            findings.warning("target-unverified-key", message, plan.native_where(path), hint="write the key itself")


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The texts of native text with their paths."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, (*path, str(key)))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index))


def _layout(chosen: Chosen) -> Layout:
    return _FLAVOURS[chosen.flavour]


_NO_OPENRC = No(
    "target-no-units",
    "Kairos on Alpine runs OpenRC, no systemd",
    "choose another flavour, or write a script for OpenRC",
)
_UNITS = ("units", "units_by_name", "dropins", "masks")


def _differs(chosen: Chosen) -> dict[str, Takes | No]:
    """Alpine has no systemd, so neither units nor timesyncd."""
    if chosen.flavour != ALPINE:
        return {}
    time = No(
        "target-value",
        "Kairos on Alpine has no systemd-timesyncd",
        "write the configuration of its NTP client as a file",
    )
    return {**dict.fromkeys(_UNITS, _NO_OPENRC), "proxy": _NO_OPENRC, "time_servers": time}


_NO_DISKS = No(
    "target-no-disks",
    "Kairos only adds partitions with a label and a size",
    "partition when Kairos is installed: targets.kairos.install",
)
_NO_LUKS = No(
    "target-no-luks",
    "Kairos encrypts only when it is installed",
    "targets.kairos.install.encrypted_partitions: [COS_PERSISTENT]",
)
_SUPPORT: dict[str, Takes | No] = {
    **dict.fromkeys(FIELDS, NATIVE),
    **dict.fromkeys(("timezone", "sysctl", "kernel_modules", "module_parameters", "blocked_modules", "ca_certificates", "proxy"), FILES),
    **dict.fromkeys(("registry_mirrors", "users.admin", "quadlets"), FILES),
    "kernel_arguments": native("when it is installed; not on trusted boot (UKI)"),
    "absent_kernel_arguments": No("target-no-karg-removal", "Kairos adds kernel arguments, and removes none"),
    "users.absent": No("target-no-users", "Kairos removes no users of the image"),
    "groups.password": No("target-no-password", "Kairos sets no passwords of groups"),
    "groups.absent": No("target-no-groups", "Kairos removes no groups of the image"),
    "files": native("on every boot; read-only but for /etc, /var and what is persistent"),
    "files.remote": native("http and https, once the network is up"),
    "files.remote.compression": No("target-no-remote", "Kairos does not unpack what it fetches", "serve it unpacked"),
    "files.remote.headers": No("target-no-remote", "Kairos sends no headers of a config", "serve it without"),
    "files.append": No("target-no-append", "Kairos writes files on every boot, and would append each time", "write the whole file"),
    "disks": native("partitions with labels that are not there yet; the last one comes out 1 MiB smaller"),
    "disks.wipe_table": native("as long as the first partition is not there"),
    **dict.fromkeys(("disks.identity", "disks.resize", "disks.deletion"), _NO_DISKS),
    "filesystems": native("on partitions of the config"),
    "filesystems.wipe": No("target-no-disks", "Kairos makes filesystems with the partition, and wipes none", "remove wipe_filesystem"),
    **dict.fromkeys(("filesystems.options", "filesystems.uuid"), No("target-no-disks", "Kairos gives mkfs no options", "remove them")),
    "swap": native("on partitions of the config"),
    **dict.fromkeys(("luks", "luks.clevis", "luks.cex"), _NO_LUKS),
    "raid": No("target-no-raid", "Kairos makes no RAID arrays", "make them when it is installed"),
    "remote_configs": No("target-no-merge", "Kairos merges no Ignition configs", "embed the config with local"),
    "fetching": No("target-no-fetching", "Kairos has no such settings for what it fetches", "say the proxy in machine.proxy"),
}  # fmt: skip
TARGETS = {
    "kairos": Target(
        "kairos",
        "Kairos",
        write=write,
        check=check,
        support=_SUPPORT,
        differs=_differs,
        outputs=("kairos.yaml",),
        flavours=tuple(_FLAVOURS),
        layout=_layout,
        options={"install": "map", "stages": "map"},
        open_options=True,
        platforms=("aws", "azure", "gcp", "openstack", "vmware"),
    )
}
