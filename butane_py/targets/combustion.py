"""combustion: one shell script for the first boot of openSUSE MicroOS and SUSE Linux Micro.

The script runs before the new root is booted, in a chroot with everything of fstab mounted: units are enabled, never started, and
programs that ask a daemon are not used. Source: the documentation of combustion 1.5; the tools' manual pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from butane_py.emit import shell
from butane_py.targets.fields import FIELDS
from butane_py.targets.layouts import CHRONY_PART, Layout
from butane_py.targets.model import FILES, NATIVE, No, Target, native
from butane_py.targets.nodes import (
    DEFAULT_FILE,
    Piece,
    has_owner,
    missing_parents,
    owner_of,
    pieces,
    unit_files,
)
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.spec import tables as spec

LAYOUT = Layout(time=CHRONY_PART, anchors="/etc/pki/trust/anchors", docker=False)
OPTIONS = {"packages": "texts", "script": "text"}
_SCHEMES = ("http://", "https://")
_HEAD = """#!/bin/bash
# {heading}
# A filesystem labelled combustion holds this as combustion/script.
"""
_ARGUMENTS = """
# kernel_arguments: they count from the second boot on
if [ -e /etc/kernel/cmdline ]; then
  arguments=$(cat /etc/kernel/cmdline)
else
  arguments=$(sed -n 's/^GRUB_CMDLINE_LINUX_DEFAULT="\\(.*\\)"$/\\1/p' /etc/default/grub)
fi
"""
_ARGUMENTS_END = """if [ -e /etc/kernel/cmdline ]; then
  echo "$arguments" >/etc/kernel/cmdline
  sdbootutil update-all-entries
else
  {
    grep -v '^GRUB_CMDLINE_LINUX_DEFAULT=' /etc/default/grub || true
    echo "GRUB_CMDLINE_LINUX_DEFAULT=\\"$arguments\\""
  } >/etc/default/grub.new
  mv /etc/default/grub.new /etc/default/grub
  grub2-mkconfig -o /boot/grub2/grub.cfg
fi
"""


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The whole script."""
    writer = _Writer(plan, findings)
    writer.all()
    return {"combustion.sh": writer.script(plan.native)}


def native_script(plan: Plan, findings: Findings) -> bytes:
    """A script with the packages and the text of `plan.native` alone, for a machine that Ignition provisions."""
    return _Writer(plan, findings).script(plan.native)


class _Writer:
    """Collects the parts of the script in the order in which they run."""

    def __init__(self, plan: Plan, findings: Findings) -> None:
        self._plan = plan
        self._findings = findings
        self._parts: list[str] = []
        self._puts = False
        self._network = False

    def script(self, options: Mapping[str, Any]) -> bytes:
        """The text of the script; `options` are those of the target."""
        packages = options.get("packages") or []
        network = self._network or bool(packages)
        text = _HEAD.format(heading=self._plan.heading) + ("# combustion: network\n" if network else "")
        text += "set -euo pipefail\numask 022\n" + (f"\n{shell.PUT}" if self._puts else "") + "".join(self._parts)
        if packages:
            install = shell.words("zypper", "--non-interactive", "install", "--no-recommends", *packages)
            text += f"\n# packages\n{install}\n"
        if own := str(options.get("script") or "").rstrip("\n"):
            text += f"\n# script\n{own}\n"
        return text.encode("utf-8", "surrogateescape")

    def all(self) -> None:
        """Every part of the config."""
        config = self._plan.config
        for group in config.passwd.groups:
            self._group(group)
        for user in config.passwd.users:
            self._user(user)
        for directory in config.storage.directories:
            self._directory(directory)
        if parents := missing_parents(self._plan):
            self._part("folders", f"{shell.words('mkdir', '-p', *parents)}\n")
        for index, file in enumerate(config.storage.files):
            self._file(index, file)
        for link in config.storage.links:
            self._link(link)
        self._units()
        self._kernel_arguments()

    def _part(self, title: str, text: str) -> None:
        """Adds a part under a comment; a title that is not printable is left out, for it could end the comment."""
        self._parts.append(f"\n# {title if title.isprintable() else '(a name that cannot be shown)'}\n{text}")

    def _group(self, group: spec.PasswdGroup) -> None:
        name = group.name
        if group.should_exist is False:
            self._part(
                f"passwd.groups: {name}",
                f"if getent group {shell.word(name)} >/dev/null; then {shell.words('groupdel', name)}; fi\n",
            )
            return
        flags = [*(["--system"] if group.system else []), *(["--gid", str(group.gid)] if group.gid is not None else [])]
        text = f"getent group {shell.word(name)} >/dev/null || {shell.words('groupadd', *flags, name)}\n"
        if group.password_hash:
            text += shell.fed("chgpasswd -e", f"{name}:{group.password_hash}\n".encode())
        self._part(f"passwd.groups: {name}", text)

    def _user(self, user: spec.PasswdUser) -> None:
        name = shell.word(user.name)
        if user.should_exist is False:
            self._part(
                f"passwd.users: {user.name}",
                f"if getent passwd {name} >/dev/null; then userdel --force --remove {name}; fi\n",
            )
            return
        groups = [*user.groups, *([user.primary_group] if user.primary_group else [])]
        text = "".join(
            f"getent group {shell.word(group)} >/dev/null || {shell.words('groupadd', '--system', group)}\n"
            for group in dict.fromkeys(groups)
        )
        text += f"getent passwd {name} >/dev/null || {shell.words('useradd', *_useradd_flags(user), user.name)}\n"
        changes = _usermod_flags(user)
        if changes:
            text += shell.words("usermod", *changes, user.name) + "\n"
        if user.password_hash:
            text += shell.fed("chpasswd -e", f"{user.name}:{user.password_hash}\n".encode())
        if user.ssh_authorized_keys:
            keys = "".join(f"{key.rstrip()}\n" for key in user.ssh_authorized_keys).encode("utf-8", "surrogateescape")
            text += f"home=$(getent passwd {name} | cut -d: -f6)\ngroup=$(id -gn {name})\n"
            text += f'install -d -m 0700 -o {name} -g "$group" "$home/.ssh"\n'
            text += self._put(f'"$home/.ssh/authorized_keys" 0600 {name}:"$group"', keys)
        self._part(f"passwd.users: {user.name}", text)

    def _put(self, words: str, data: bytes) -> str:
        self._puts = True
        return shell.fed(f"put {words}", data)

    def _directory(self, directory: spec.Directory) -> None:
        path, owner = directory.path, owner_of(directory)
        if directory.mode is None:
            text = (
                shell.words("mkdir", "-p", path)
                + "\n"
                + (shell.words("chown", str(owner), path) + "\n" if has_owner(directory) else "")
            )
        else:
            mode = f"{directory.mode:04o}"
            text = shell.words("install", "-d", "-m", mode, "-o", owner.user, "-g", owner.group, path) + "\n"
        self._part(f"storage.directories: {path}", text)

    def _file(self, index: int, file: spec.File) -> None:
        found = pieces(file)
        text = ""
        for number, piece in enumerate(found):
            text += self._piece(index, file, piece, first=number == 0)
        if not found:
            text = shell.words("touch", file.path) + "\n" + self._mode_and_owner(file)
        self._part(f"storage.files: {file.path}", text)

    def _piece(self, index: int, file: spec.File, piece: Piece, *, first: bool) -> str:
        path = shell.word(file.path)
        if piece.data is None:
            command = self._download(index, file, piece)
            target = ">>" if piece.append else ">"
            parent = f'mkdir -p "$(dirname {path})"\n' if first else ""
            return (
                f'{parent}download=$(mktemp)\n{command}cat "$download" {target}{path}\nrm "$download"\n'
                + self._mode_and_owner(file, whole=not piece.append)
            )
        if piece.append:
            parent = f'mkdir -p "$(dirname {path})"\n' if first else ""
            return parent + shell.fed(f"cat >>{path}", piece.data) + self._mode_and_owner(file)
        mode = DEFAULT_FILE if file.mode is None else file.mode
        words = f"{path} {mode:04o} {shell.word(str(owner_of(file)))}"
        if not file.path.startswith("/etc/sudoers.d/"):
            return self._put(words, piece.data)
        aside = "/etc/sudoers.d/.butane~"  # sudo reads no such name, and one wrong rule would lock everybody out
        return self._put(f"{aside}{words[len(path) :]}", piece.data) + f"visudo -cqf {aside}\nmv {aside} {path}\n"

    def _mode_and_owner(self, file: spec.File, *, whole: bool = False) -> str:
        text = shell.words("chown", str(owner_of(file)), file.path) + "\n" if has_owner(file) else ""
        if file.mode is not None or whole:
            mode = DEFAULT_FILE if file.mode is None else file.mode
            text += shell.words("chmod", f"{mode:04o}", file.path) + "\n"
        return text

    def _download(self, index: int, file: spec.File, piece: Piece) -> str:
        """Commands that fetch a resource into the file that $download names, unpack and check it."""
        resource = piece.resource
        url = resource.source or ""
        if not url.lower().startswith(_SCHEMES):
            place = self._plan.place("storage", "files", index, "contents", "source")
            message = f"combustion does not fetch {url.partition(':')[0]} URLs"
            self._findings.error(
                "target-value", message, place, hint="serve it by https", skip=f"storage.files.{file.path}"
            )
        self._network = True
        headers = [f"{header.name}: {header.value}" for header in resource.http_headers if header.value is not None]
        lines = [f"url = {_curl(url)}", *(f"header = {_curl(header)}" for header in headers)]
        text = shell.fed(
            'curl --globoff --location --fail --silent --show-error --retry 5 --retry-connrefused --output "$download" --config -',
            "".join(f"{line}\n" for line in lines).encode(),
        )
        if resource.compression == "gzip":
            text += 'gzip -dc <"$download" >"$download.plain"\nmv "$download.plain" "$download"\n'
        kind, _, digest = (resource.verification.hash or "").partition("-")
        if digest:
            text += f'echo "{digest.lower()}  $download" | {kind}sum --check --quiet\n'
        return text

    def _link(self, link: spec.Link) -> None:
        text = shell.words("rm", "-rf", link.path) + "\n" if link.overwrite else ""
        text += shell.words("ln", "-fT" if link.hard else "-sfT", "--", link.target or "", link.path) + "\n"
        if has_owner(link):
            text += shell.words("chown", "-h", str(owner_of(link)), link.path) + "\n"
        self._part(f"storage.links: {link.path}", text)

    def _units(self) -> None:
        files: dict[int, str] = {}
        for file in unit_files(self._plan):
            files[file.index] = files.get(file.index, "") + self._put(
                f"{shell.word(file.path)} 0644 root:root", file.data
            )
        for index, unit in enumerate(self._plan.config.systemd.units):
            text = files.get(index, "")
            verb = "mask" if unit.mask else "enable" if unit.enabled else "disable" if unit.enabled is False else ""
            if verb:
                text += shell.words("systemctl", verb, unit.name) + "\n"
            if text:
                self._part(f"systemd.units: {unit.name}", text)

    def _kernel_arguments(self) -> None:
        arguments = self._plan.config.kernel_arguments
        if not arguments.should_exist and not arguments.should_not_exist:
            return
        place = self._plan.place("kernel_arguments")
        self._findings.warning(
            "target-reboot",
            "combustion sets kernel arguments for the second boot",
            place,
            hint="use --target microos: Ignition reboots for them",
        )
        for name in ("should_exist", "should_not_exist"):
            for index, argument in enumerate(getattr(arguments, name)):
                if any(char in argument for char in '"$`\\'):
                    message = "the shell that reads /etc/default/grub would change this kernel argument"
                    spot = self._plan.place("kernel_arguments", name, index)
                    hint = "write it without double quotes, $, ` and backslashes"
                    self._findings.error(
                        "target-value", message, spot, hint=hint, skip=f"kernel_arguments.{name}.{argument}"
                    )
        added = "".join(f" {shell.word(argument)}" for argument in arguments.should_exist)
        text = f'{_ARGUMENTS}read -ra words <<<"$arguments"\nkept=()\nfor word in "${{words[@]}}"{added}; do\n'
        if arguments.should_not_exist:
            text += f"  case $word in {' | '.join(map(shell.word, arguments.should_not_exist))}) continue ;; esac\n"
        text += '  [[ " ${kept[*]} " == *" $word "* ]] || kept+=("$word")\ndone\narguments="${kept[*]}"\n'
        self._parts.append(text + _ARGUMENTS_END)


def _curl(text: str) -> str:
    """A value of a curl configuration file. Source: curl(1), --config."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    )
    return f'"{escaped}"'


def _useradd_flags(user: spec.PasswdUser) -> list[str]:
    flags = ["--no-create-home" if user.no_create_home else "--create-home"]
    if user.uid is not None:
        flags += ["--uid", str(user.uid)]
    if user.primary_group:
        flags += ["--gid", user.primary_group]
    elif user.no_user_group:
        flags.append("--no-user-group")
    if user.home_dir:
        flags += ["--home-dir", user.home_dir]
    flags += [flag for flag, on in (("--system", user.system), ("--no-log-init", user.no_log_init)) if on]
    return flags


def _usermod_flags(user: spec.PasswdUser) -> list[str]:
    """What holds for a user of the image too."""
    flags = []
    if user.gecos:
        flags += ["--comment", user.gecos]
    if user.shell:
        flags += ["--shell", user.shell]
    if user.groups:
        flags += ["--append", "--groups", ",".join(user.groups)]
    return flags


_DISKS = "use --target microos: Ignition partitions there, before combustion"
TARGETS = {
    "combustion": Target(
        "combustion",
        "combustion",
        write=write,
        outputs=("combustion.sh",),
        layout=lambda _chosen: LAYOUT,
        options=OPTIONS,
        support={
            **dict.fromkeys(FIELDS, NATIVE),
            **dict.fromkeys(
                (
                    "hostname",
                    "timezone",
                    "time_servers",
                    "sysctl",
                    "kernel_modules",
                    "module_parameters",
                    "blocked_modules",
                ),
                FILES,
            ),
            **dict.fromkeys(("ca_certificates", "proxy", "registry_mirrors", "users.admin", "quadlets"), FILES),
            **dict.fromkeys(
                ("kernel_arguments", "absent_kernel_arguments"), native("they count from the second boot on")
            ),
            "files.remote": native("http and https"),
            **{
                field: No("target-no-disks", "combustion runs when the disks are in use already", _DISKS)
                for field in (
                    "disks",
                    "disks.wipe_table",
                    "disks.identity",
                    "disks.resize",
                    "disks.deletion",
                    "filesystems",
                    "swap",
                )
            },
            **{
                field: No("target-no-disks", "combustion makes no filesystems", _DISKS)
                for field in ("filesystems.wipe", "filesystems.options", "filesystems.uuid")
            },
            **{
                field: No("target-no-luks", "combustion makes no LUKS volumes", _DISKS)
                for field in ("luks", "luks.clevis", "luks.cex")
            },
            "raid": No("target-no-raid", "combustion makes no RAID arrays", _DISKS),
            "remote_configs": No(
                "target-no-merge",
                "combustion merges no Ignition configs",
                "embed the config with local, or use --target microos",
            ),
            "fetching": No(
                "target-no-fetching",
                "combustion has no such settings for what it fetches",
                "say the proxy in targets.combustion.script",
            ),
        },
    )
}
