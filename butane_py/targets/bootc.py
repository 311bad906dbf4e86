"""bootc: a part of a Containerfile. What does not change is built into the image; state below /var is made when a machine boots.

`/etc` of an image is merged with that of the machine at each update, `/var` is only what the machine has: accounts come by sysusers.d,
and nodes below /var by tmpfiles.d, once. Kernel arguments are a file of kargs.d. Source: the documentation of bootc 1.16; systemd's
manual pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.emit import shell
from butane_py.targets import boot_lines
from butane_py.targets.fields import FIELDS
from butane_py.targets.layouts import CHRONY, Layout
from butane_py.targets.model import FILES, NATIVE, No, Takes, Target, native
from butane_py.targets.nodes import DEFAULT_FILE, has_owner, owner_of, pieces, unit_files
from butane_py.targets.plan import Plan
from butane_py.targets.report import Findings
from ignition_py.spec import tables as spec

# State of the machine: links into /var, or made anew on each boot.
STATE = ("/var", "/home", "/root", "/srv", "/opt", "/mnt", "/run", "/tmp")  # noqa: S108
_HOMES = "/var/home"
_SCHEMES = ("http://", "https://")
_DELIMITER = "BUTANE_BUILD"
_HEAD = f"set -euo pipefail\numask 022\n{shell.PUT}"


def write(plan: Plan, findings: Findings) -> dict[str, bytes]:  # noqa: ARG001  # a writer has both
    """The Containerfile, or the part of it that is to stand behind FROM."""
    script = _HEAD + "".join(_parts(plan))
    delimiter = _DELIMITER
    while delimiter in script.split("\n"):
        delimiter += "_"
    base = plan.native.get("from")
    head = f"# {plan.heading}\n" + (
        f"FROM {base}\n" if base else "# To stand behind FROM and what installs packages.\n"
    )
    lint = "RUN bootc container lint\n" if base else ""
    text = f"{head}RUN bash <<'{delimiter}'\n{script}{delimiter}\n{lint}"
    return {"Containerfile": text.encode("utf-8", "surrogateescape")}


def _in_image(path: str) -> bool:
    return not boot_lines.is_below(path, STATE)


def _in_state(path: str) -> bool:
    return not _in_image(path)


def _parts(plan: Plan) -> Iterator[str]:
    """The parts of the script in the order in which they run."""
    passwd, storage = plan.config.passwd, plan.config.storage
    sysusers = boot_lines.sysusers(plan, _HOMES)
    if sysusers:
        yield _put("/usr/lib/sysusers.d/butane.conf", sysusers.encode()) + "systemd-sysusers\n"
    for user in passwd.users:
        if user.password_hash:
            yield shell.fed("chpasswd -e", f"{user.name}:{user.password_hash}\n".encode())
    state = boot_lines.homes_and_keys(plan, _HOMES) + boot_lines.tmpfiles(plan, _in_state, again=False)
    if state:
        yield _put("/usr/lib/tmpfiles.d/butane.conf", state.encode("utf-8", "surrogateescape"))
    if plan.config.kernel_arguments.should_exist:
        yield _put("/usr/lib/bootc/kargs.d/10-butane.toml", _kargs(plan).encode())
    for directory in storage.directories:
        if _in_image(directory.path):
            yield shell.words("mkdir", "-p", directory.path) + "\n" + _mode_and_owner(directory)
    for file in storage.files:
        if _in_image(file.path):
            yield "".join(_file(file))
    for link in storage.links:
        if _in_image(link.path):
            yield _link(link)
    yield from _units(plan)
    if plan.facts.certificates:
        yield "update-ca-trust\n"


def _kargs(plan: Plan) -> str:
    from tomli_w import dumps

    return dumps({"kargs": list(plan.config.kernel_arguments.should_exist)}, indent=2)


def _put(path: str, data: bytes, mode: int = DEFAULT_FILE, owner: str = "root:root") -> str:
    return shell.fed(f"put {shell.word(path)} {mode:04o} {shell.word(owner)}", data)


def _file(file: spec.File) -> Iterator[str]:
    """Commands that write a file of the image, fetch it, or append to what the image has."""
    path, mode, owner = shell.word(file.path), DEFAULT_FILE if file.mode is None else file.mode, str(owner_of(file))
    found = pieces(file)
    if not found:
        yield f'mkdir -p "$(dirname {path})"\ntouch {path}\n' + _mode_and_owner(file)
    for piece in found:
        if piece.data is None:
            yield f'mkdir -p "$(dirname {path})"\n'
            yield (
                shell.words("curl", "--globoff", "-fsSL", "--retry", "5", "-o", file.path, piece.resource.source or "")
                + "\n"
            )
            kind, _, digest = (piece.resource.verification.hash or "").partition("-")
            if digest:
                yield shell.fed(f"{kind}sum --check --quiet", f"{digest.lower()}  {file.path}\n".encode())
            yield f"{shell.words('chown', owner, file.path)}\nchmod {mode:04o} {path}\n"
        elif piece.append:
            yield f'mkdir -p "$(dirname {path})"\n' + shell.fed(f"cat >>{path}", piece.data) + _mode_and_owner(file)
        else:
            yield _put(file.path, piece.data, mode, owner)


def _mode_and_owner(node: spec.File | spec.Directory) -> str:
    """What the config says of the mode and the owner, and nothing else."""
    text = shell.words("chown", str(owner_of(node)), node.path) + "\n" if has_owner(node) else ""
    return text + (shell.words("chmod", f"{node.mode:04o}", node.path) + "\n" if node.mode is not None else "")


def _link(link: spec.Link) -> str:
    text = shell.words("rm", "-rf", "--", link.path) + "\n" if link.overwrite else ""
    text += f'mkdir -p "$(dirname {shell.word(link.path)})"\n'
    text += shell.words("ln", "-fT" if link.hard else "-sfT", "--", link.target or "", link.path) + "\n"
    return text + (shell.words("chown", "-h", str(owner_of(link)), link.path) + "\n" if has_owner(link) else "")


def _units(plan: Plan) -> Iterator[str]:
    for file in unit_files(plan):
        yield _put(file.path, file.data)
    for unit in plan.config.systemd.units:
        verb = "mask" if unit.mask else "enable" if unit.enabled else "disable" if unit.enabled is False else ""
        if verb:
            yield shell.words("systemctl", verb, unit.name) + "\n"


def check(plan: Plan, findings: Findings) -> None:
    """Reports users without ids, and what can only be built in or only be made at boot."""
    base = plan.native.get("from")
    if base is not None and not re.fullmatch(r"[\w./:@-]+", str(base), re.ASCII):
        assert plan.native_where is not None
        hint = "write from: quay.io/fedora/fedora-bootc:43"
        findings.error("target-option", "from is the name of an image", plan.native_where(("from",)), hint=hint)
    for index, user in enumerate(plan.config.passwd.users):
        if user.uid is None and not user.system and user.name != "root":
            message = f"the user {user.name} needs an id: systemd-sysusers would give it one of the system's"
            findings.error(
                "target-value",
                message,
                plan.place("passwd", "users", index),
                hint="write uid: 1000, or system: true",
                skip=f"passwd.users.{user.name}",
            )
        if user.password_hash:
            place = plan.place("passwd", "users", index, "password_hash")
            findings.warning(
                "target-secret", "the hash becomes part of the image, which everybody who pulls it can read", place
            )
    for index, file in enumerate(plan.config.storage.files):
        place, skip = plan.place("storage", "files", index), f"storage.files.{file.path}"
        remote = any(piece.data is None for piece in pieces(file))
        if _in_state(file.path) and (remote or file.append):
            what = "fetched" if remote else "appended to"
            message = f"{file.path} is state of the machine, which is made at boot, and not {what}"
            findings.error(
                "target-no-remote" if remote else "target-no-append",
                message,
                place,
                hint="write below /etc or /usr",
                skip=skip,
            )
        source = file.contents.source or ""
        if remote and not source.lower().startswith(_SCHEMES):
            findings.error("target-value", "the build fetches by http and https alone", place, skip=skip)
        if file.mode is not None and not file.mode & 0o004 and _in_image(file.path) and not remote:
            findings.warning(
                "target-secret", f"{file.path} becomes part of the image, which everybody who pulls it can read", place
            )
    for kind, index, path in boot_lines.unsafe_nodes(plan, _in_state):
        message = (
            "state of the machine has no hard links, no targets with blanks around them, and no line ends in names"
        )
        findings.error("target-value", message, plan.place("storage", kind, index), skip=f"storage.{kind}.{path}")


_DISKS = No(
    "target-no-disks",
    "an image has no disks",
    "lay them out where it is installed: bootc install, bootc-image-builder, or a kickstart",
)
_SUPPORT: dict[str, Takes | No] = {
    **dict.fromkeys(FIELDS, NATIVE),
    **dict.fromkeys(("hostname", "timezone", "time_servers", "sysctl", "kernel_modules", "module_parameters", "blocked_modules"), FILES),
    **dict.fromkeys(("ca_certificates", "proxy", "registry_mirrors", "users.admin", "quadlets"), FILES),
    "kernel_arguments": native("in kargs.d of the image"),
    "absent_kernel_arguments": No("target-no-karg-removal", "an image of bootc adds kernel arguments, and removes none"),
    "users": native("by sysusers.d; who logs in needs a uid"),
    "users.absent": No("target-no-users", "sysusers.d removes no users", "remove them in the Containerfile"),
    "groups.absent": No("target-no-groups", "sysusers.d removes no groups", "remove them in the Containerfile"),
    "groups.password": No("target-no-password", "sysusers.d sets no passwords of groups"),
    "files": native("built in; below /var, /home, /root, /srv, /opt and /mnt made once, at boot"),
    "files.remote": native("fetched by the build"),
    "files.remote.compression": No("target-no-remote", "the build does not unpack what it fetches", "embed the file with local"),
    "files.remote.headers": No("target-no-remote", "the build sends no headers", "embed the file with local"),
    **dict.fromkeys([name for name in FIELDS if name.partition(".")[0] in ("disks", "filesystems", "swap")], _DISKS),
    **dict.fromkeys(("luks", "luks.clevis", "luks.cex"), No("target-no-luks", "an image has no volumes", _DISKS.hint)),
    "raid": No("target-no-raid", "an image has no arrays", _DISKS.hint),
    "remote_configs": No("target-no-merge", "an image merges no configs", "embed the config with local"),
    "fetching": No("target-no-fetching", "the build has no settings of Ignition's fetching"),
}  # fmt: skip
TARGETS = {
    "bootc": Target(
        "bootc",
        "bootc",
        write=write,
        check=check,
        support=_SUPPORT,
        outputs=("Containerfile",),
        layout=lambda _chosen: Layout(time=CHRONY, docker=False),
        options={"from": "text"},
        mounts=True,
    )
}
