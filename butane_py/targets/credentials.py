"""systemd credentials: files that systemd reads when it boots, by SMBIOS, fw_cfg, the kernel command line or the ESP.

Source: systemd.system-credentials(7), systemd-debug-generator(8), sysusers.d(5), tmpfiles.d(5). Extra units came with systemd 256, the
host name of the first boot with 260. Generators read units before the boot begins; what tmpfiles writes counts for programs that start
after it.
"""

from __future__ import annotations

import base64
import re

from butane_py.targets import boot_lines
from butane_py.targets.fields import FIELDS
from butane_py.targets.layouts import TIMESYNCD, Layout
from butane_py.targets.model import FILES, NATIVE, Chosen, No, Takes, Target, files, native
from butane_py.targets.nodes import UNITS, unit_files
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings

_FILES, _SMBIOS, _CMDLINE = "files", "smbios", "cmdline"
_WANTED = re.compile(r"^[ \t]*(WantedBy|RequiredBy|UpheldBy)[ \t]*=(.*)$", re.M)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9:_.@\\-]{0,200}\Z")
_SETTINGS = {"WantedBy": "Wants", "RequiredBy": "Requires", "UpheldBy": "Upholds"}
_LATER = "for what starts after systemd-tmpfiles; all else counts from the second boot on"


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:  # noqa: ARG001  # a writer has both
    """The credentials by name, or in other flavours one text with all of them."""
    found = {name: text.encode("utf-8", "surrogateescape") for name, text in _credentials(plan).items() if text}
    if plan.chosen.flavour == _FILES or not found:
        return found
    encoded = {name: base64.b64encode(data).decode() for name, data in found.items()}
    if plan.chosen.flavour == _SMBIOS:
        text = "".join(f"io.systemd.credential.binary:{name}={data}\n" for name, data in encoded.items())
        return {"smbios": text.encode()}
    return {
        "cmdline": (
            " ".join(f"systemd.set_credential_binary={name}:{data}" for name, data in encoded.items()) + "\n"
        ).encode()
    }


def _credentials(plan: Plan) -> dict[str, str]:
    facts, passwd = plan.facts, plan.config.passwd
    made = {
        "firstboot.hostname": facts.hostname.value if facts.hostname and plan.chosen.at_least("260") else "",
        "firstboot.timezone": facts.timezone.value if facts.timezone else "",
        "sysctl.extra": "".join(f"{each.key} = {each.value}\n" for each in facts.sysctl),
        "sysusers.extra": boot_lines.sysusers(plan),
    }
    for user in passwd.users:
        if user.password_hash:
            made[f"passwd.hashed-password.{user.name}"] = user.password_hash
        if user.name == "root":
            made["ssh.authorized_keys.root"] = "".join(f"{key.strip()}\n" for key in user.ssh_authorized_keys)
    lines = boot_lines.homes_and_keys(plan) + boot_lines.tmpfiles(plan, lambda _path: True, again=True)
    masked = [boot_lines.word(f"{UNITS}/{unit.name}") for unit in plan.config.systemd.units if unit.mask]
    made["tmpfiles.extra"] = lines + "".join(f"L+ {path} - - - - /dev/null\n" for path in masked)
    made.update(_units(plan))
    return made


def _units(plan: Plan) -> dict[str, str]:
    """Units and drop-ins. An enabled unit is wanted by a drop-in of its target, which counts in this boot already."""
    made: dict[str, str] = {}
    for file in unit_files(plan):
        unit = plan.config.systemd.units[file.index]
        text = file.data.decode("utf-8", "surrogateescape")
        key = f"systemd.{'unit-dropin' if '.d/' in file.path else 'extra-unit'}.{unit.name}"
        made[key] = made.get(key, "") + (text if text.endswith("\n") else f"{text}\n")
    for unit in plan.config.systemd.units:
        if not unit.enabled or unit.mask:
            continue
        for setting, targets in _WANTED.findall(unit.contents or ""):
            for target in targets.split():
                key = f"systemd.unit-dropin.{target}"
                made[key] = made.get(key, "") + f"[Unit]\n{_SETTINGS[setting]}={unit.name}\n"
    return made


def _check_names(plan: Plan, findings: Findings) -> None:
    """Names become parts of the names of credentials, which are files."""
    for index, user in enumerate(plan.config.passwd.users):
        if user.password_hash and not _NAME.match(user.name):
            place = plan.place("passwd", "users", index)
            findings.error(
                "target-value", "no credential can have the name of this user", place, skip=f"passwd.users.{user.name}"
            )
    for index, unit in enumerate(plan.config.systemd.units):
        wanted = [target for _, targets in _WANTED.findall(unit.contents or "") for target in targets.split()]
        if unit.enabled and not all(map(_NAME.match, [unit.name, *wanted])):
            place = plan.place("systemd", "units", index)
            findings.error(
                "target-value",
                "no credential can have the name of a unit here",
                place,
                skip=f"systemd.units.{unit.name}",
            )


def check(plan: Plan, findings: Findings) -> None:
    """Reports users without ids, links that tmpfiles.d cannot say, and units that nothing wants."""
    _check_names(plan, findings)
    for index, user in enumerate(plan.config.passwd.users):
        if user.uid is None and not user.system and user.name != "root":
            message = f"the user {user.name} needs an id: systemd-sysusers would give it one of the system's"
            place = plan.place("passwd", "users", index)
            findings.error(
                "target-value",
                message,
                place,
                hint="write uid: 1000, or system: true",
                skip=f"passwd.users.{user.name}",
            )
    for kind, index, path in boot_lines.unsafe_nodes(plan, lambda _path: True):
        if kind != "links" or not plan.config.storage.links[index].hard:  # of which a cell tells
            message = "tmpfiles.d has no targets with blanks around them, and no line ends in names"
            findings.error("target-value", message, plan.place("storage", kind, index), skip=f"storage.{kind}.{path}")
    for index, file in enumerate(plan.config.storage.files):
        if file.mode is not None and not file.mode & 0o004:
            message = f"{file.path} can be read by whoever sees the machine's SMBIOS tables or kernel command line"
            hint = "seal it: systemd-creds encrypt, into /loader/credentials of the ESP"
            findings.warning("target-secret", message, plan.place("storage", "files", index), hint=hint)


def _differs(chosen: Chosen) -> dict[str, Takes | No]:
    """Units before systemd 256, and the host name from 260 on."""
    cells: dict[str, Takes | No] = {}
    if chosen.at_least("260"):
        cells["hostname"] = NATIVE
    if not chosen.at_least("256"):
        no = No(
            "target-no-units",
            "extra units come with systemd 256",
            "choose systemd-credentials@256 where the system has that",
        )
        cells.update(dict.fromkeys(("units", "dropins"), no))
    return cells


_DISKS = No("target-no-disks", "credentials lay out no disks", "write repart.d into the image")
_NO_REMOTE = No("target-no-remote", "systemd-tmpfiles fetches nothing", "embed the file with local")
_SUPPORT: dict[str, Takes | No] = {
    **dict.fromkeys(FIELDS, NATIVE),
    "hostname": files("from the second boot on; with systemd 260 at once"),
    "time_servers": files("of systemd-timesyncd"),
    **dict.fromkeys(("kernel_modules", "module_parameters", "blocked_modules", "proxy"), files(_LATER)),
    **dict.fromkeys(("ca_certificates", "registry_mirrors", "quadlets"), files(_LATER)),
    "users.admin": FILES,
    "users": native("who logs in needs a uid"),
    "users.absent": No("target-no-users", "sysusers removes no users"),
    "groups.absent": No("target-no-groups", "sysusers removes no groups"),
    "groups.password": No("target-no-password", "sysusers sets no passwords of groups"),
    "kernel_arguments": No("target-no-kargs", "credentials set no kernel arguments", "append them to the command line"),
    "absent_kernel_arguments": No("target-no-karg-removal", "credentials remove no kernel arguments"),
    "files": native("on every boot that has the credentials"),
    **dict.fromkeys([name for name in FIELDS if name.startswith("files.remote")], _NO_REMOTE),
    "files.append": No("target-no-append", "systemd-tmpfiles writes on every boot, and would append each time", "write the whole file"),
    "hard_links": No("target-value", "systemd-tmpfiles makes no hard links", "write a symbolic link"),
    "units_by_name": No("target-no-units", "credentials enable no units of the image", "add a drop-in to a target"),
    "masks": native("from the second boot on"),
    **dict.fromkeys([name for name in FIELDS if name.partition(".")[0] in ("disks", "filesystems", "swap")], _DISKS),
    **dict.fromkeys(("luks", "luks.clevis", "luks.cex"), No("target-no-luks", "credentials make no volumes", _DISKS.hint)),
    "raid": No("target-no-raid", "credentials make no arrays"),
    "remote_configs": No("target-no-merge", "systemd merges no configs", "embed the config with local"),
    "fetching": No("target-no-fetching", "systemd fetches nothing here"),
}  # fmt: skip
TARGETS = {
    "systemd-credentials": Target(
        "systemd-credentials",
        "systemd credentials",
        write=write,
        check=check,
        support=_SUPPORT,
        differs=_differs,
        outputs=("sysusers.extra", "tmpfiles.extra", "sysctl.extra", "firstboot.timezone", "smbios", "cmdline"),
        versions=("252", "256", "260"),
        default_version="256",
        flavours=(_FILES, _SMBIOS, _CMDLINE),
        layout=lambda _chosen: Layout(time=TIMESYNCD, docker=False),
        mounts=True,
    )
}
