"""The stand-alone archive: everything ignition-py needs, appended to an initramfs that somebody else made.

    /usr/bin/ignition                    shell: the private dynamic linker, the private interpreter
    /usr/lib/ignition-py/ld.so, lib/     dynamic linker, libc and all libraries; nothing of the initramfs is loaded
    /usr/lib/ignition-py/bin, modules    interpreter and modules, as in the other formats (stage.py)
    /usr/lib/ignition-py/tools/          programs that a config may ask for, used where the initramfs has none
    /usr/lib/ignition-py/kernel/         kernel modules (asked for by --kernel)
    /usr/lib/systemd/, udev/, dracut/    units, generator, rule, failure screen: the same files as in the dracut module

The initramfs has to bring a kernel, systemd with udev, a shell, mount, modprobe, and, for configs from the network,
systemd-networkd or what else `network-up` knows.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence

from ignition_py.initrd import carried, stage
from ignition_py.initrd.libraries import libraries_of, linker_of
from ignition_py.initrd.modules import MissingModule
from ignition_py.initrd.tree import BuildError, Tree
from ignition_py.system.host import which
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run

LINKER = f"{stage.PREFIX}/ld.so"
LIBRARIES = f"{stage.PREFIX}/lib"
TOOLS = f"{stage.PREFIX}/tools"
MAIN = f"{stage.PREFIX}/ignition.py"
KERNEL = f"{stage.PREFIX}/kernel"
AUTHORITIES = f"{stage.PREFIX}/ca-certificates.crt"
UNITS = "/usr/lib/systemd/system"
_PRIVATE = f"{LINKER} --inhibit-cache --library-path {LIBRARIES}"
_LAUNCHER = f"""#!/bin/sh
# The initramfs' own programs come first; what it lacks is in {TOOLS}.
PATH=${{PATH:-/usr/sbin:/usr/bin:/sbin:/bin}}:{TOOLS}
export PATH
if [ ! -e {carried.AUTHORITIES} ] && [ -e {AUTHORITIES} ]; then
    # Where the libraries look; some versions of requests cannot be imported without it.
    {{ mkdir -p {os.path.dirname(carried.AUTHORITIES)} && ln -s {AUTHORITIES} {carried.AUTHORITIES}; }} 2>/dev/null || :
fi
exec {_PRIVATE} {stage.PREFIX}/bin/python3 -IS {MAIN} "$@"
"""
_TOOL = f"""#!/bin/sh
{{settings}}exec {_PRIVATE} --argv0 {{name}} {TOOLS}/bin/{{program}} "$@"
"""
_MODULES_UNIT = f"""# Kernel modules that came with ignition-py, for an initramfs that has not all that a first boot needs.
[Unit]
Description=Kernel modules for Ignition
ConditionPathExists=/etc/initrd-release
DefaultDependencies=no
After=basic.target
Before=ignition-fetch-offline.service ignition-complete.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-modprobe --all --quiet --dirname={KERNEL} {{names}}
"""


def standalone(log: Log, tools: Sequence[str], kernel: str = "", *, required: bool = False) -> Tree:
    """The archive's files, with those of the programs `tools` that this machine has, and modules of a kernel.

    `required`: a program that is not here is an error. Raises BuildError; also where a module or a library is missing.
    """
    tree = Tree()
    python = _python(tree)
    linker = linker_of(python[0])
    if not linker:
        raise BuildError(f"{python[0]} is not dynamically linked; the stand-alone archive needs one that is")
    programs = _carry_tools(tree, tools, required=required)
    tree.copy(os.path.realpath(linker), LINKER, part="shared libraries")
    for part, binaries in (("shared libraries", python), ("tools", programs)):
        for name, path in libraries_of(log, linker, binaries).items():
            tree.copy(os.path.realpath(path), f"{LIBRARIES}/{name}", part=part)
    if os.path.exists(carried.AUTHORITIES):
        tree.copy(carried.AUTHORITIES, AUTHORITIES, part="certificate authorities")
    boot_files(tree)
    if kernel:
        _carry_kernel_modules(log, tree, kernel)
    if which("strip"):
        _strip(log, tree)
    return tree


def _strip(log: Log, tree: Tree) -> None:
    """Takes debugging information and symbols that nobody links against out of binaries (distributions have done so already)."""
    with tempfile.TemporaryDirectory(prefix="ignition-py-") as folder:
        for number, (_, entry) in enumerate(tree):
            if entry.part == "kernel modules" or not entry.source or entry.contents()[:4] != b"\x7fELF":
                continue
            path = f"{folder}/{number}"
            run(log, ["strip", "--strip-unneeded", "-o", path, entry.source], what=f"stripping {entry.source}")
            with open(path, "rb") as file:
                entry.data, entry.source = file.read(), ""


def _python(tree: Tree) -> list[str]:
    """Adds the interpreter and the modules; returns the binaries."""
    layout = stage.Layout()
    layout.launcher = MAIN
    try:
        python = stage.Python(layout)
    except MissingModule as error:
        raise BuildError(str(error)) from None
    for path, data in python.files.items():
        part = {layout.check: "units and scripts", layout.launcher: "units and scripts"}.get(path, "modules")
        tree.add(path, data, part="standard library" if path.endswith(".pyc") else part)
    for source, target in python.natives:
        tree.copy(source, target, part="interpreter" if target == layout.python else "extension modules")
    tree.add("/usr/bin/ignition", _LAUNCHER.encode(), part="units and scripts", mode=0o755)
    return [source for source, _ in python.natives]


def _carry_tools(tree: Tree, tools: Sequence[str], *, required: bool) -> list[str]:
    """Adds the programs that are here, each behind a script of its name; returns their binaries."""
    binaries = []
    for name in tools:
        path = which(name)
        if not path and required:
            raise BuildError(f"the program {name} is to go into the archive and is not on this machine")
        if not path:
            continue
        real = os.path.realpath(path)
        if script := _script(real, bash="bash" in tools):
            tree.add(f"{TOOLS}/{name}", script, part="tools", mode=0o755)
            continue
        program = os.path.basename(real)
        settings = f"export MKE2FS_CONFIG={stage.PREFIX}/mke2fs.conf\n" if program == "mke2fs" else ""
        wrapper = _TOOL.format(settings=settings, name=name, program=program)
        tree.add(f"{TOOLS}/{name}", wrapper.encode(), part="tools", mode=0o755)
        if f"{TOOLS}/bin/{program}" not in tree.entries:
            tree.copy(real, f"{TOOLS}/bin/{program}", part="tools")
            binaries.append(real)
    if f"{TOOLS}/bin/mke2fs" in tree.entries and os.path.exists("/etc/mke2fs.conf"):
        tree.copy("/etc/mke2fs.conf", f"{stage.PREFIX}/mke2fs.conf", part="tools")
    return binaries


def _script(path: str, *, bash: bool) -> bytes:
    """A script as it goes into the archive, b"" for a binary. One of bash's runs by the archive's own `bash` where that comes
    along; other scripts must not be wrapped either, since Clevis' source each other."""
    with open(path, "rb") as file:
        if file.read(2) != b"#!":
            return b""
        first, _, rest = file.read().partition(b"\n")
    interpreter, _, arguments = first.strip().partition(b" ")
    if bash and os.path.basename(interpreter) == b"bash":
        interpreter = f"{TOOLS}/bash".encode()
    return b"#!" + interpreter + (b" " + arguments if arguments else b"") + b"\n" + rest


def try_out(log: Log, tree: Tree) -> None:
    """Runs the archive's interpreter where nothing else is and imports every module, so that what is missing is missed now.

    Raises BuildError.
    """
    with tempfile.TemporaryDirectory(prefix="ignition-py-") as folder:
        tree.write(folder)
        _shell(log, folder)
        if AUTHORITIES in tree.entries:  # as the launcher does
            os.makedirs(os.path.dirname(folder + carried.AUTHORITIES))
            os.symlink(AUTHORITIES, folder + carried.AUTHORITIES)
        enter = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
        argv = [*enter, "chroot", folder, *_PRIVATE.split(), f"{stage.PREFIX}/bin/python3", "-IS", f"{stage.PREFIX}/check.py"]
        try:
            run(log, argv, what="starting the executor where nothing but the archive is")
        except CommandError as error:
            raise BuildError(str(error)) from None


def _shell(log: Log, folder: str) -> None:
    """A shell where libparted expects one: it crashes without (popen(3) when it is loaded). Every initramfs has one."""
    shell = os.path.realpath("/bin/sh")
    linker = linker_of(shell)
    files = {shell: "/bin/sh"}
    if linker:
        files[os.path.realpath(linker)] = linker
        files.update((os.path.realpath(path), path) for path in libraries_of(log, linker, [shell]).values())
    for source, target in files.items():
        os.makedirs(os.path.dirname(folder + target), exist_ok=True)
        shutil.copy(source, folder + target)


def boot_files(tree: Tree) -> None:
    """Units, generator, rule and failure screen of the dracut module, and the links that enable the units. Raises BuildError."""
    part = "units and scripts"
    for name in sorted(os.listdir(stage.DRACUT_MODULE)):
        source = os.path.join(stage.DRACUT_MODULE, name)
        if name.endswith((".service", ".target")):
            tree.copy(source, f"{UNITS}/{name}", part=part)
            if folder := enabled_by(source):
                tree.link(f"../{name}", f"{UNITS}/{folder}/{name}", part=part)
        elif name.endswith(".rules"):
            tree.copy(source, f"/usr/lib/udev/rules.d/{name}", part=part)
        elif name == "ignition-generator":
            tree.copy(source, f"/usr/lib/systemd/system-generators/{name}", part=part)
        elif name == "ignition-failure.sh":
            tree.copy(source, f"{stage.PREFIX}/{name}", part=part)
            tree.add(f"{UNITS}/emergency.service.d/ignition.conf", _EMERGENCY.encode(), part=part)
            tree.add(f"{stage.PREFIX}/ignition-emergency", _EMERGENCY_SCRIPT.encode(), part=part)
        elif name == "ignition-pwquality.conf":  # the keys that Clevis makes are random; there is no dictionary to hold them against
            tree.copy(source, f"/etc/security/pwquality.conf.d/{name}", part=part)
        elif name != "module-setup.sh":
            tree.copy(source, f"{stage.PREFIX}/{name}", part=part)


_EMERGENCY = f"[Service]\nExecStartPre=-/bin/sh {stage.PREFIX}/ignition-emergency\n"
_EMERGENCY_SCRIPT = f"""# Before the emergency shell. dracut's runs hooks once it has taken the splash screen away; others show nothing by
# themselves. The hook is put there now, since the folder of hooks is a link in newer dracuts, which a folder in the
# archive would have replaced.
screen={stage.PREFIX}/ignition-failure.sh
if [ -e /bin/dracut-emergency ]; then
    for hook in emergency shutdown-emergency; do
        mkdir -p "/lib/dracut/hooks/$hook"
        ln -sf "$screen" "/lib/dracut/hooks/$hook/50-ignition-failure.sh"
    done
else
    . "$screen"
fi
"""


def enabled_by(unit: str) -> str:
    """Where the link goes that has a service started in a first boot: `TARGET.requires`, or `.wants` where its failure counts
    for nothing. "" for targets, and for what is ordered before either outcome of the generator's decision: it is started by that.

    The target is the one of a first boot before which the service orders itself last. Raises BuildError where there is none.
    """
    if not unit.endswith(".service"):
        return ""
    with open(unit, encoding="utf-8") as file:
        lines = [line.partition("=") for line in file.read().splitlines()]
    before = [word for name, _, value in lines if name == "Before" for word in value.split()]
    if "ignition-subsequent.target" in before:
        return ""
    targets = [word for word in before if word in ("ignition-complete.target", "ignition-diskful.target")]
    if not targets:
        raise BuildError(f"{unit} is in no target of a first boot: it has no Before=ignition-complete.target")
    failing = any(name == "ExecStart" and not value.startswith("-") for name, _, value in lines)
    return f"{targets[-1]}.{'requires' if failing else 'wants'}"


def _carry_kernel_modules(log: Log, tree: Tree, kernel: str) -> None:
    """Kernel modules under a folder of their own, with an index of their own, so that the initramfs keeps its index."""
    present = []
    folder = f"/lib/modules/{kernel}"
    if not os.path.isdir(folder):
        raise BuildError(f"there are no modules of the kernel {kernel}: {folder} is not there")
    for name in carried.KERNEL_MODULES:
        argv = ["modprobe", "--set-version", kernel, "--show-depends", "--quiet", name]
        listing = run(log, argv, what=f"looking for the kernel module {name}", ok=(0, 1)).stdout.decode()
        files = [line.split()[1] for line in listing.splitlines() if line.startswith("insmod ")]
        present += [name] if files else []
        for file in files:
            real = os.path.realpath(file)
            tree.copy(real, f"{KERNEL}{folder}/{os.path.basename(real)}", part="kernel modules")
    _index(log, tree, kernel)
    unit = _MODULES_UNIT.format(names=" ".join(present))
    tree.add(f"{UNITS}/ignition-modules.service", unit.encode(), part="kernel modules")
    target = f"{UNITS}/ignition-complete.target.wants/ignition-modules.service"
    tree.link("../ignition-modules.service", target, part="kernel modules")


def _index(log: Log, tree: Tree, kernel: str) -> None:
    with tempfile.TemporaryDirectory(prefix="ignition-py-") as folder:
        modules = Tree()
        for path, entry in tree:
            if path.startswith(KERNEL + "/"):
                modules.entries[path.removeprefix(KERNEL)] = entry
        modules.write(folder)
        for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
            source = f"/lib/modules/{kernel}/{name}"
            if os.path.exists(source):
                os.symlink(source, f"{folder}/lib/modules/{kernel}/{name}")
        run(log, ["depmod", "--basedir", folder, kernel], what=f"indexing the modules of the kernel {kernel}")
        for name in os.listdir(f"{folder}/lib/modules/{kernel}"):
            path = f"{folder}/lib/modules/{kernel}/{name}"
            if name.endswith((".bin", ".dep", ".alias", ".softdep", ".symbols")) and not os.path.islink(path):
                with open(path, "rb") as file:
                    tree.add(f"{KERNEL}/lib/modules/{kernel}/{name}", file.read(), part="kernel modules")
