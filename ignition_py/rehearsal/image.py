"""The Debian tree, and how it is furnished to be the root of an image; `layout.py` makes disks of it.

The tree is made once by mmdebstrap with the machine's own Debian sources. It is furnished to the state in which an
image of a distribution leaves its factory: no machine ID, a default preset that enables nothing, and the stamp
/boot/ignition.firstboot.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter, deque

from ignition_py.rehearsal import namespace
from ignition_py.rehearsal.cache import Say, cached, files_below, key_of, silent
from ignition_py.rehearsal.shape import PLAIN, Shape
from ignition_py.system.host import search_path, which

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.join(HERE, "guest")
# Where our packages lie: a clone of the repository, or the site-packages of an installation.
SOURCES = os.path.dirname(os.path.dirname(HERE))
FIRST_BOOT_UNIT = os.path.join(SOURCES, "ignition_py", "initrd", "firstboot", "ignition-firstboot-complete.service")

_KERNEL = "/lib/modules/*/kernel"
# Not unpacked: they are three quarters of the tree and no virtual machine has a use for them.
_LEFT_OUT = [
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/i18n/*", "/etc/kernel/*",
    *(f"{_KERNEL}/drivers/{name}/*" for name in (
        "bluetooth", "comedi", "edac", "gpu", "hid", "hwmon", "i2c", "iio", "infiniband", "input", "isdn", "leds",
        "media", "mfd", "mtd", "net/can", "net/ethernet", "net/hamradio", "net/wireless", "net/wwan", "platform",
        "power", "scsi", "staging", "usb/gadget", "video",
    )),
    f"{_KERNEL}/arch/*", f"{_KERNEL}/net/bluetooth/*", f"{_KERNEL}/net/mac80211/*", f"{_KERNEL}/sound/*",
]
# Unpacked all the same: CD-ROM drives, and disks called /dev/sda.
_KEPT = [f"{_KERNEL}/drivers/scsi/{name}.ko" for name in ("scsi_common", "scsi_mod", "sd_mod", "sr_mod")]
# dracut's package runs dracut whenever a kernel is installed, and fails without this file. Here dracut runs later.
_NO_HOOK = (
    'mkdir -p "$1/etc/kernel/postinst.d" && printf "#!/bin/sh\\n" >"$1/etc/kernel/postinst.d/dracut"'
    ' && chmod 755 "$1/etc/kernel/postinst.d/dracut"'
)

# Adds packages to a tree, and takes away those with a - behind their name. $0 tree, then packages.
_EXTEND = """set -e
touch "$0/etc/resolv.conf"; mount --bind /etc/resolv.conf "$0/etc/resolv.conf"
mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"
in_tree() { chroot "$0" "$@"; }
in_tree apt-get -qq -o APT::Sandbox::User=root update
in_tree apt-get -qq -y -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"
in_tree apt-get clean
rm -rf "$0/var/lib/apt/lists/"*
"""

_MASKED = (
    "systemd-firstboot.service",  # asks questions on the console of a machine without a root password
    # What costs time under translation and serves no test.
    "dev-hugepages.mount", "dev-mqueue.mount", "getty.target", "proc-sys-fs-binfmt_misc.automount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "systemd-binfmt.service", "systemd-logind.service", "systemd-networkd.service",
    "systemd-networkd.socket", "systemd-random-seed.service", "systemd-rfkill.socket", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-network-generator.service",
)
# What apt and dpkg print of each package -> what is said of many.
_PACKAGE_STEPS = {"Unpacking": "unpacked", "Setting": "set up"}
_PACKAGES_A_LINE = 40


class BuildError(Exception):
    """A step of building the image failed; the message ends with what the program said."""


def run(argv: list[str], what: str, **kwargs: str | bytes | dict[str, str]) -> bytes:
    """Runs a program of the build; returns its standard output. Raises BuildError."""
    environment = {**os.environ, **kwargs.pop("env", {}), "PATH": ":".join(search_path())}  # type: ignore[dict-item]
    done = subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL, env=environment, **kwargs)  # type: ignore[call-overload]
    if done.returncode != 0:
        words = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()[-25:]
        raise BuildError(f"{what}: {argv[0]} failed (exit status {done.returncode}):\n" + "\n".join(words))
    output: bytes = done.stdout
    return output


def _watched(argv: list[str], what: str, say: Say) -> None:
    """Runs mmdebstrap and tells its steps, and how far apt has got with the packages. Raises BuildError."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    last: deque[str] = deque(maxlen=25)
    counts: Counter[str] = Counter()
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last.append(line.strip())
            step = line.split(" ", 1)[0]
            if step == "I:" and "/" not in line:  # with one it is a hook's command line or a package's own line
                say(f"  {line[3:].strip()}")
            elif step in _PACKAGE_STEPS:
                counts[step] += 1
                if counts[step] % _PACKAGES_A_LINE == 0:
                    say(f"  {_PACKAGE_STEPS[step]} {counts[step]} packages ...")
    if process.returncode != 0:
        raise BuildError(f"{what}: {argv[0]} failed (exit status {process.returncode}):\n" + "\n".join(last))


def packages(shape: Shape = PLAIN) -> list[str]:
    with open(os.path.join(GUEST, "packages.txt"), encoding="utf-8") as file:
        plain = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    return [*(name for name in plain if not (shape.without and name.startswith(shape.without))), *shape.packages]


def debian_sources(suite: str = PLAIN.suite) -> dict[str, list[str]]:
    """This machine's own apt entries, by the format of their file, so that a local mirror is used; those for the plain image's suite
    are read as entries for `suite`."""
    found: dict[str, list[str]] = {".list": [], ".sources": []}
    for path in ["/etc/apt/sources.list", *files_below("/etc/apt/sources.list.d", (".list", ".sources"))]:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if path.endswith(".sources"):
            parts, suites = re.split(r"\n\s*\n", text), r"^Suites:(.*)$"
        else:
            parts, suites = text.splitlines(), r"^deb\s+(?:\[.*\]\s+)?\S+\s+(\S+)"
        for part in parts:
            named = re.search(suites, part, re.MULTILINE)
            if named and all(re.fullmatch(rf"{PLAIN.suite}(-updates|-security)?", word) for word in named[1].split()):
                start, end = named.span(1)
                entry = part[:start] + named[1].replace(PLAIN.suite, suite) + part[end:]
                found[os.path.splitext(path)[1]].append(entry + "\n")
    return found


def tree(say: Say = silent, shape: Shape = PLAIN) -> str:
    """Directory with the Debian tree. Needs root, mmdebstrap and the network the first time. Raises BuildError.

    A shape with packages or a suite of its own has a tree of its own, for its root disk; kernel and initramfs come from the plain one.
    """
    kind = f"{shape.name}tree" if shape.packages or shape.suite != PLAIN.suite else "tree"
    if shape.packages and shape.suite == PLAIN.suite:
        plain = tree(say)
        return cached(kind, tree_key(shape), lambda path: _extend_tree(plain, path, shape), f"Debian {kind}", say)
    return cached(kind, tree_key(shape), lambda path: _build_tree(path, shape, say), f"Debian {kind} by mmdebstrap", say)


def tree_key(shape: Shape = PLAIN) -> str:
    extended = [_EXTEND] if shape.packages and shape.suite == PLAIN.suite else []
    return key_of([shape.suite, *packages(shape), *_LEFT_OUT, *_KEPT, _NO_HOOK, *extended])


def _extend_tree(plain: str, path: str, shape: Shape) -> None:
    """A copy of the plain tree with a shape's own packages: a fifth of the time of another mmdebstrap. Raises BuildError."""
    run(["cp", "-a", "--reflink=auto", plain, path], "copying the Debian tree")
    before, after = packages(), packages(shape)
    added = [name for name in after if name not in before]
    removed = [f"{name}-" for name in before if name not in after]
    argv = ["unshare", "--mount", "sh", "-c", _EXTEND, path, *added, *removed]
    run(argv, f"adding {', '.join(added)} to the Debian tree", env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"})


def _build_tree(path: str, shape: Shape, say: Say) -> None:
    if not which("mmdebstrap"):
        raise BuildError("our Debian image is built once, with mmdebstrap, which is not installed; an image of your own needs no building")
    # In a mount namespace of its own: a build that is killed leaves nothing mounted below the tree.
    argv = ["unshare", "--mount", "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--verbose"]
    if namespace.inside():
        argv.append("--skip=chroot/mount/sys")  # which takes a network namespace too
    # apt's own user may not reach a cache below /root.
    argv.append('--aptopt=APT::Sandbox::User "root"')
    for option, patterns in (("exclude", _LEFT_OUT), ("include", [f"{pattern}*" for pattern in _KEPT])):
        # Newer kernel packages have their modules below /usr, compressed.
        patterns = [*patterns, *(f"/usr{pattern}" for pattern in patterns if pattern.startswith("/lib/"))]
        argv += [f"--dpkgopt=path-{option}={pattern}" for pattern in patterns]
    argv += [f"--essential-hook={_NO_HOOK}", f"--include={','.join(packages(shape))}", shape.suite, path]
    # Without any, mmdebstrap takes Debian's own servers.
    files = {path + suffix: entries for suffix, entries in debian_sources(shape.suite).items() if entries}
    try:
        for name, entries in files.items():
            with open(name, "w", encoding="utf-8") as file:
                file.write("\n".join(entries))
        _watched([*argv, *files], "making the Debian tree", say)
    finally:
        for name in files:
            os.unlink(name)


def kernel(directory: str) -> tuple[str, str]:
    """The tree's kernel image and its version."""
    version = max(os.listdir(f"{directory}/lib/modules"))
    return f"{directory}/boot/vmlinuz-{version}", version


def furnish(root: str) -> None:
    """Turns the tree into what an image is when it leaves the factory."""
    for name in ("boot/vmlinuz*", "boot/initrd*", "usr/lib/dracut", "usr/lib/systemd/system-preset/90-systemd.preset"):
        run(["sh", "-c", f'rm -rf "$0"/{name}', root], "furnishing the image")
    run(["sh", "-c", 'rm -rf "$0"/etc/systemd/system/*.wants "$0"/etc/systemd/system/*.service', root], "furnishing the image")
    for path in ("etc/machine-id", "var/lib/dbus/machine-id"):
        if os.path.lexists(f"{root}/{path}"):
            os.unlink(f"{root}/{path}")
    units = "usr/lib/systemd/system"
    put(root, "etc/hostname", "quickstart\n")
    put(root, "etc/fstab", "LABEL=root / ext4 defaults 0 1\n")
    put(root, "usr/lib/systemd/system-preset/99-default.preset", "disable *\n")
    put(root, "boot/ignition.firstboot", "")
    for source, target in (
        (f"{GUEST}/agent.py", "usr/lib/vm-agent.py"),
        (f"{GUEST}/vm-agent.service", f"{units}/vm-agent.service"),
        (FIRST_BOOT_UNIT, f"{units}/ignition-firstboot-complete.service"),
    ):
        shutil.copyfile(source, f"{root}/{target}")
    link("../vm-agent.service", f"{root}/{units}/sysinit.target.wants/vm-agent.service")
    link("../ignition-firstboot-complete.service", f"{root}/{units}/multi-user.target.wants/ignition-firstboot-complete.service")
    for name in _MASKED:
        link("/dev/null", f"{root}/etc/systemd/system/{name}")
    # A system that gives up powers off instead of opening a shell on its console.
    put(root, f"{units}/emergency.service.d/off.conf", "[Service]\nExecStart=\nExecStart=systemctl poweroff --force\n")


def put(root: str, path: str, text: str) -> None:
    os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
    with open(f"{root}/{path}", "w", encoding="utf-8") as file:
        file.write(text)


def link(target: str, path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)
