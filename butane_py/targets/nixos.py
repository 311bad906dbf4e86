"""NixOS: a module to import, and with disks one of disko's.

All texts of a module land in the Nix store, which every user of the machine can read.
Sources: the manual of NixOS (options), tmpfiles.d(5), disko's documentation, and the modules of NixOS for the files that they own.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from butane_py.decompiler.unpack import contents_of
from butane_py.emit import nix
from butane_py.linter.unit_text import read_unit
from butane_py.targets.fields import FIELDS, is_remote, is_text
from butane_py.targets.layouts import Layout, modprobe_text
from butane_py.targets.model import FILES, NATIVE, No, Takes, Target, native
from butane_py.targets.nixos_disks import Disks
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.spec.tables import File, Node, PasswdUser, Resource, Unit

MODULE, DISKO = "configuration.nix", "disko.nix"
RULES = "10-butane"  # the name of our part of systemd.tmpfiles.settings
_LONGEST = 1 << 20  # characters of a line of tmpfiles.d
_AMAZON = "<nixpkgs/nixos/modules/virtualisation/amazon-image.nix>"
_CHANNEL = "### https://nixos.org/channels/nixos-{version} nixos"
_VERSION = "26.05"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_SHELLS = {"bash": "pkgs.bashInteractive", "sh": "pkgs.bashInteractive", "zsh": "pkgs.zsh", "fish": "pkgs.fish"}
_NO_LOGIN = ("nologin", "false")
_STORE_NAME = re.compile(r"[^A-Za-z0-9+._?=-]")
_EXEC = re.compile(r"Exec[A-Z][A-Za-z]*")
_FHS = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/")
# What the modules of NixOS write themselves, and the option to use; a path with / at its end stands for all below it.
_OWNED = {
    "/etc/hostname": "networking.hostName", "/etc/localtime": "time.timeZone", "/etc/hosts": "networking.hosts",
    "/etc/resolv.conf": "networking.nameservers", "/etc/fstab": "fileSystems", "/etc/passwd": "users.users",
    "/etc/group": "users.groups", "/etc/shadow": "users.users", "/etc/gshadow": "users.groups",
    "/etc/sudoers": "security.sudo.extraRules", "/etc/machine-id": "environment.etc of an image",
    "/etc/os-release": "system.nixos.label", "/etc/profile": "environment.shellInit", "/etc/bashrc": "programs.bash.interactiveShellInit",
    "/etc/nsswitch.conf": "system.nssDatabases", "/etc/ssl/": "security.pki.certificates", "/etc/pam.d/": "security.pam.services",
    "/etc/pki/tls/": "security.pki.certificates", "/etc/ssh/sshd_config": "services.openssh.settings",
    "/etc/ssh/sshd_config.d/": "services.openssh.settings", "/etc/systemd/system/": "systemd.units",
    "/etc/systemd/user/": "systemd.user.units", "/etc/systemd/system.conf": "systemd.settings",
    "/etc/systemd/journald.conf": "services.journald.extraConfig", "/etc/systemd/logind.conf": "services.logind.settings",
    "/etc/systemd/timesyncd.conf": "networking.timeServers", "/etc/systemd/resolved.conf": "services.resolved",
    "/etc/systemd/networkd.conf": "systemd.network.config", "/etc/udev/rules.d/": "services.udev.extraRules",
    "/etc/sysctl.d/60-nixos.conf": "boot.kernel.sysctl", "/etc/modules-load.d/nixos.conf": "boot.kernelModules",
    "/etc/modprobe.d/nixos.conf": "boot.extraModprobeConfig",
    "/etc/NetworkManager/NetworkManager.conf": "networking.networkmanager.settings", "/etc/nix/": "nix.settings",
    "/etc/nixos/": "targets.nixos.imports",
}  # fmt: skip


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:
    """The module, and disko's where the config has disks."""
    disks = Disks(plan, findings)
    writer = _Writer(plan, findings)
    writer.all()
    writer.settings.update(disks.settings)
    wraps = any(plan.native.get(name) for name in ("imports", "extra", "ec2"))
    body = _expression(writer.settings, "  " if wraps else "", plan, findings)
    parts = {MODULE: _module(plan, body) if wraps else f"{_head(plan)}{body}\n"}
    if disks.devices:
        parts[DISKO] = f"# {plan.heading}\n{_expression({'disko': {'devices': disks.devices}}, '', plan, findings)}\n"
    return {part: text.encode() for part, text in parts.items()}


def _head(plan: Plan) -> str:
    """The lines before the settings. User data of EC2 names its channel."""
    channel = (
        _CHANNEL.format(version=plan.native.get("state_version", _VERSION)) + "\n" if plan.native.get("ec2") else ""
    )
    return f"{channel}# {plan.heading}\n{{ config, lib, pkgs, ... }}:\n"


def _module(plan: Plan, body: str) -> str:
    """A module with imports, and with `targets.nixos.extra` merged with the settings."""
    options = plan.native
    names = [*([_AMAZON] if options.get("ec2") else []), *options.get("imports", [])]
    imports = f"  imports = {nix.expression([nix.Expression(name) for name in names], '  ')};\n" if names else ""
    extra = str(options.get("extra", "")).strip()
    config = f"lib.mkMerge [\n  {body}\n  ({extra})\n  ]" if extra else body
    return f"{_head(plan)}{{\n{imports}  config = {config};\n}}\n"


def _expression(value: Any, indent: str, plan: Plan, findings: Findings) -> str:
    """A value as Nix text, "" where an error was reported."""
    try:
        return nix.expression(value, indent)
    except ValueError as error:
        place = plan.place("passwd")
        findings.error(
            "target-value",
            f"a text of the config cannot be written in Nix: {error}",
            place,
            hint="take the character out",
        )
        return ""


class _Writer:
    """Makes the settings of the module, in the order of the fields."""

    def __init__(self, plan: Plan, findings: Findings) -> None:
        self._plan = plan
        self._findings = findings
        self._etc: dict[str, Any] = {}
        self._rules: dict[str, Any] = {}
        self.settings: dict[str, Any] = {}

    def all(self) -> None:
        """Makes all settings."""
        self._names()
        self._kernel()
        self._trust()
        self._accounts()
        for index, file in enumerate(self._plan.config.storage.files):
            self._file(file, index)
        self._directories_and_links()
        self._units()
        if self._etc:
            self.settings["environment"] = {"etc": self._etc}
        if any(path.startswith("containers/systemd/") for path in self._etc):
            self.settings["virtualisation"] = {"podman": {"enable": True}}
        if self._rules:
            self.settings.setdefault("systemd", {})["tmpfiles"] = {"settings": {RULES: self._rules}}
        if "state_version" in self._plan.native:
            self.settings["system"] = {"stateVersion": self._plan.native["state_version"]}

    def _names(self) -> None:
        facts = self._plan.facts
        networking: dict[str, Any] = {}
        if facts.hostname:
            name, _, domain = facts.hostname.value.partition(".")
            if not _HOST.fullmatch(name):
                message = f"NixOS takes a host name of at most 63 letters, digits, _ and -, not {name!r}"
                self._findings.error("target-value", message, facts.hostname.place, hint="correct the name")
            networking = {"hostName": name, **({"domain": domain} if domain else {})}
        if facts.time_servers:
            networking["timeServers"] = [server.value for server in facts.time_servers]
        if facts.proxy:
            values = {
                "httpProxy": facts.proxy.http and facts.proxy.http.value,
                "httpsProxy": facts.proxy.https and facts.proxy.https.value,
                "noProxy": ",".join(facts.proxy.no_proxy),
            }
            networking["proxy"] = {name: value for name, value in values.items() if value}
        if networking:
            self.settings["networking"] = networking
        if facts.timezone:
            self.settings["time"] = {"timeZone": facts.timezone.value}

    def _kernel(self) -> None:
        facts = self._plan.facts
        boot: dict[str, Any] = {}
        arguments = self._plan.config.kernel_arguments.should_exist
        for index, argument in enumerate(arguments):
            if _has_blank(argument):
                message = f"a kernel argument of NixOS has blanks between quotes only: {argument!r}"
                place = self._plan.place("kernel_arguments", "should_exist", index)
                self._findings.error("target-value", message, place, hint="write two arguments as two entries")
        if arguments:
            boot["kernelParams"] = list(arguments)
        if facts.sysctl:
            boot["kernel"] = {"sysctl": {setting.key: setting.value for setting in facts.sysctl}}
        loaded = [module.name for module in facts.modules if module.loaded and not module.blocked]
        blocked = [module for module in facts.modules if module.blocked]
        special = [module for module in facts.modules if module.parameters or module.blocked]
        if loaded:
            boot["kernelModules"] = loaded
        if blocked:
            boot["blacklistedKernelModules"] = [module.name for module in blocked]
        if special:
            boot["extraModprobeConfig"] = "".join(map(modprobe_text, special))
        if boot:
            self.settings["boot"] = boot

    def _trust(self) -> None:
        security: dict[str, Any] = {}
        if self._plan.facts.certificates:
            blocks = [block for each in self._plan.facts.certificates for block in each.blocks]
            security["pki"] = {"certificates": blocks}
        if self._plan.facts.admins:
            place = self._plan.facts.admins[0].place
            message = "every member of the group wheel becomes root without a password"
            hint = "write a rule of security.sudo.extraRules in targets.nixos.extra for one user alone"
            self._findings.warning("target-wider", message, place, hint=hint)
            security["sudo"] = {"wheelNeedsPassword": False}
        if security:
            self.settings["security"] = security

    def _accounts(self) -> None:
        groups: dict[str, Any] = {}
        users: dict[str, Any] = {}
        for group in self._plan.config.passwd.groups:
            groups[group.name] = {} if group.gid is None else {"gid": group.gid}
        for index, user in enumerate(self._plan.config.passwd.users):
            users[user.name] = self._user(user, index)
            if user.system and not user.primary_group:
                groups.setdefault(user.name, {})
        accounts = {name: value for name, value in (("groups", groups), ("users", users)) if value}
        if accounts:
            self.settings["users"] = accounts

    def _user(self, user: PasswdUser, index: int) -> dict[str, Any]:
        """One user: exactly one of isNormalUser and isSystemUser is true, but for root."""
        out: dict[str, Any] = {}
        if user.name != "root":
            out["isSystemUser" if user.system else "isNormalUser"] = True
        groups = list(user.groups)
        if self._plan.is_admin(user.name) and "wheel" not in groups:
            groups.append("wheel")
        group = user.primary_group or (user.name if user.system else "")
        values = {
            "uid": user.uid,
            "group": group or None,
            "extraGroups": groups or None,
            "description": user.gecos or None,
            "home": user.home_dir or None,
            "createHome": False if user.no_create_home else None,
            "shell": self._shell(user, index),
            "hashedPassword": user.password_hash or None,
        }
        out.update({name: value for name, value in values.items() if value is not None})
        if user.password_hash:
            self._secret(f"the password hash of {user.name}", "use hashedPasswordFile in targets.nixos.extra",
                         "passwd", "users", index, "password_hash")  # fmt: skip
        if user.ssh_authorized_keys:
            out["openssh"] = {"authorizedKeys": {"keys": [key.strip() for key in user.ssh_authorized_keys]}}
        return out

    def _shell(self, user: PasswdUser, index: int) -> nix.Expression | None:
        """The package of a shell; its path there is known to Nix alone."""
        if not user.shell:
            return None
        program = user.shell.rpartition("/")[2]
        if program in _NO_LOGIN:
            return nix.Expression('"${pkgs.shadow}/bin/nologin"')
        if program not in _SHELLS:
            place = self._plan.place("passwd", "users", index, "shell")
            hint = f"write users.users.{user.name}.shell in targets.nixos.extra"
            skip = f"passwd.users.{user.name}.shell"
            self._findings.error("target-value", f"NixOS has no shell at {user.shell}", place, hint=hint, skip=skip)
        return nix.Expression(_SHELLS.get(program, "null"))

    def _secret(self, what: str, hint: str, *path: str | int) -> None:
        message = f"{what} can be read by every user of the machine, in the Nix store"
        self._findings.warning("target-secret", message, self._plan.place(*path), hint=hint)

    def _may_write(self, node: Node, kind: str, index: int) -> bool:
        """True if no module of NixOS owns the path. Reports one that does."""
        place = self._plan.place("storage", kind, index, "path")
        owned = next((option for path, option in _OWNED.items() if _is_at(node.path, path)), "")
        if owned:
            hint = f"use the option {owned}"
            skip = f"storage.{kind}.{node.path}"
            self._findings.error("target-path", f"NixOS writes {node.path} itself", place, hint=hint, skip=skip)
        elif node.path.startswith(_FHS):
            hint = "add a package in targets.nixos.extra: environment.systemPackages"
            self._findings.warning("target-fhs", f"programs of NixOS look for nothing at {node.path}", place, hint=hint)
        return not owned

    def _file(self, file: File, index: int) -> None:
        if not self._may_write(file, "files", index):
            return
        mode = 0o644 if file.mode is None else file.mode
        if not mode & 0o004:
            hint = "deliver secrets by agenix or sops-nix, and name the file that they write"
            self._secret(f"the contents of {file.path}", hint, "storage", "files", index)
        if file.path.startswith("/etc/"):
            self._etc[file.path.removeprefix("/etc/")] = {
                "mode": f"{mode:04o}",
                **_etc_owner(file),
                **self._contents(file),
            }
            return
        data = contents_of(file.contents) or b""
        argument = base64.b64encode(data).decode()
        problem = ""
        if is_remote(file.contents):
            problem = f"NixOS fetches files below /etc only, not {file.path}"
        elif len(argument) > _LONGEST - 4096:
            problem = f"{file.path} has more than 764 KiB, which tmpfiles takes on a line"
        if problem:
            place = self._plan.place("storage", "files", index)
            skip = f"storage.files.{file.path}"
            self._findings.error(
                "target-value", problem, place, hint="write it below /etc, and a link to it", skip=skip
            )
        self._rule(file.path, "f+~", {"mode": f"{mode:04o}", **_owner(file), "argument": argument})

    def _contents(self, file: File) -> dict[str, Any]:
        """`text` or `source` of an entry of environment.etc."""
        resource = file.contents
        name = _STORE_NAME.sub("-", file.path.rpartition("/")[2]).lstrip(".") or "file"
        if is_remote(resource):
            return {"source": nix.Expression(f"pkgs.fetchurl {_fetched(resource)}")}
        data = contents_of(resource) or b""
        if is_text(data):
            return {"text": data.decode()}
        command = nix.string(f"echo {base64.b64encode(data).decode()} | base64 -d > $out")
        return {"source": nix.Expression(f"pkgs.runCommand {nix.string(name)} {{ }} {command}")}

    def _directories_and_links(self) -> None:
        storage = self._plan.config.storage
        for index, directory in enumerate(storage.directories):
            if self._may_write(directory, "directories", index):
                mode = 0o755 if directory.mode is None else directory.mode
                self._rule(directory.path, "d", {"mode": f"{mode:04o}", **_owner(directory)})
        for index, link in enumerate(storage.links):
            if not link.hard and self._may_write(link, "links", index):
                self._rule(link.path, "L+", {"argument": _unspecified(link.target or "")})

    def _rule(self, path: str, kind: str, values: dict[str, Any]) -> None:
        self._rules[_unspecified(path)] = {kind: values}

    def _units(self) -> None:
        units = {unit.name: self._unit(unit, index) for index, unit in enumerate(self._plan.config.systemd.units)}
        if units:
            self.settings["systemd"] = {"units": units}

    def _unit(self, unit: Unit, index: int) -> dict[str, Any]:
        """One unit. What [Install] says is for systemctl enable, which NixOS does not run."""
        out: dict[str, Any] = {"enable": False} if unit.mask else {}
        dropins = "".join(_ended(dropin.contents or "") for dropin in sorted(unit.dropins, key=lambda each: each.name))
        if unit.contents:
            out["text"] = _ended(unit.contents) + dropins
            if unit.enabled:
                out.update(self._installed(unit, index))
        elif dropins:
            out.update(overrideStrategy="asDropin", text=dropins)
        if not unit.contents and unit.enabled:
            place = self._plan.place("systemd", "units", index, "enabled")
            hint = "use the option of its module, such as services.NAME.enable, in targets.nixos.extra"
            skip = f"systemd.units.{unit.name}.enabled"
            self._findings.error(
                "target-unit-unknown", f"NixOS does not enable {unit.name} by its name", place, hint=hint, skip=skip
            )
        elif not unit.contents and unit.enabled is False:
            out["wantedBy"] = nix.Expression("lib.mkForce [ ]")
        self._check_programs(out.get("text", ""), index)
        return out

    def _installed(self, unit: Unit, index: int) -> dict[str, Any]:
        """The settings of [Install] as options."""
        text = read_unit(unit.contents or "")
        options = {"WantedBy": "wantedBy", "RequiredBy": "requiredBy", "UpheldBy": "upheldBy", "Alias": "aliases"}
        for setting in text.settings:
            if setting.section == "Install" and setting.name not in options:
                place = self._plan.place("systemd", "units", index)
                message = f"NixOS has no option for {setting.name}= of [Install]"
                skip = f"systemd.units.{unit.name}"
                self._findings.error("target-value", message, place, hint="enable the other unit by itself", skip=skip)
        return {option: words for name, option in options.items() if (words := text.words("Install", name))}

    def _check_programs(self, text: str, index: int) -> None:
        """Warns of programs at paths that NixOS does not have."""
        for setting in read_unit(text).settings:
            program = setting.value.lstrip("@-:+!|").split(" ")[0]
            if _EXEC.fullmatch(setting.name) and program.startswith(_FHS) and program != "/bin/sh":
                message = f"NixOS has no {program}"
                hint = f"write /run/current-system/sw/bin/{program.rpartition('/')[2]}"
                self._findings.warning("target-fhs", message, self._plan.place("systemd", "units", index), hint=hint)


def _is_at(path: str, owned: str) -> bool:
    return path.startswith(owned) if owned.endswith("/") else path == owned


def _has_blank(argument: str) -> bool:
    """True if a kernel argument has a blank outside of double quotes, or a quote that does not end."""
    parts = argument.split('"')
    return len(parts) % 2 == 0 or any(part != "".join(part.split()) for part in parts[::2])


def _ended(text: str) -> str:
    """A text with a final newline."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _unspecified(text: str) -> str:
    """A text of tmpfiles.d, where % begins a specifier."""
    return text.replace("%", "%%")


def _owner(node: Node) -> dict[str, str]:
    """User and group of a rule of tmpfiles.d, by name or number."""
    owners = ((name, getattr(node, name)) for name in ("user", "group"))
    return {name: owner.name or str(owner.id or "root") for name, owner in owners}


def _etc_owner(node: Node) -> dict[str, Any]:
    """User and group of an entry of environment.etc, which has other options for numbers."""
    out: dict[str, Any] = {}
    for name, number in (("user", "uid"), ("group", "gid")):
        owner = getattr(node, name)
        if owner.name:
            out[name] = owner.name
        elif owner.id:
            out[number] = owner.id
    return out


def _fetched(resource: Resource) -> str:
    """The arguments of fetchurl; its digests are in base64."""
    kind, _, digest = str(resource.verification.hash or "").partition("-")
    try:
        encoded = base64.b64encode(bytes.fromhex(digest)).decode()
    except ValueError:
        encoded = digest
    return f"{{ url = {nix.string(str(resource.source))}; hash = {nix.string(f'{kind}-{encoded}')}; }}"


_NO_REMOVAL = "NixOS removes no {} of others"
_SUPPORT: dict[str, Takes | No] = {
    **dict.fromkeys(FIELDS, NATIVE),
    "absent_kernel_arguments": No(
        "target-no-karg-removal", "NixOS adds kernel arguments only", "leave them out of its own options"
    ),
    "registry_mirrors": FILES,
    "quadlets": FILES,
    "users": native("shells that NixOS has packages of"),
    "users.absent": No("target-no-users", _NO_REMOVAL.format("users")),
    "groups.absent": No("target-no-groups", _NO_REMOVAL.format("groups")),
    "groups.password": No("target-no-password", "NixOS has no passwords of groups", "leave it out"),
    "files": native("but for those of NixOS' own modules; secrets land in the store"),
    "files.remote": native("below /etc, with a digest"),
    "files.remote.unverified": No(
        "target-no-verification", "Nix fetches files with a digest only", "add verification.hash"
    ),
    "files.remote.compression": No(
        "target-no-remote", "Nix does not unpack what it fetches", "embed the contents with local"
    ),
    "files.remote.headers": No(
        "target-no-remote", "Nix sends no headers with what it fetches", "embed the contents with local"
    ),
    "files.append": No("target-no-append", "NixOS appends to no files", "write the file as a whole"),
    "hard_links": No("target-no-links", "NixOS makes no hard links", "make a symbolic link"),
    "units_by_name": native("to disable them"),
    "disks": native("by disko"),
    "disks.resize": No("target-no-disks", "disko resizes no partitions"),
    "disks.deletion": No("target-no-disks", "disko deletes no partitions"),
    "filesystems": native("by disko, or on existing partitions with with_mount_unit"),
    "filesystems.options": native("by disko"),
    "filesystems.uuid": native("by disko"),
    "luks": native("by disko, with targets.nixos.key_files"),
    "luks.clevis": No(
        "target-no-luks", "disko binds no volume to Clevis", "name a key file in targets.nixos.key_files"
    ),
    "luks.cex": No("target-no-luks", "NixOS does not support CEX", "name a key file in targets.nixos.key_files"),
    "raid": native("by disko"),
    "remote_configs": No("target-no-merge", "NixOS merges no configs at boot", "embed the other config with local"),
    "fetching": No("target-no-fetching", "NixOS has no settings of Ignition's fetching", "leave them out"),
}

TARGETS = {
    "nixos": Target(
        "nixos",
        "NixOS",
        write=write,
        reports_by_writing=True,
        support=_SUPPORT,
        outputs=(MODULE, DISKO),
        options={"imports": "texts", "extra": "text", "state_version": "text", "ec2": "bool", "key_files": "map"},
        layout=lambda _: Layout(docker=False),
        mounts=True,
        platforms=("aws", "openstack"),
    ),
}
