"""Whole initramfs images by the distribution's own program, with ignition-py in them and nothing changed on this machine.

dracut takes modules from one folder only, mkinitramfs hooks from two: each is given a folder of links in which ours are too.
`ignition-py initrd install` puts the same files where those programs look for them every time.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import shutil
import sys
import tempfile

from ignition_py.initrd.tree import BuildError
from ignition_py.system.host import which
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError, run

HERE = os.path.dirname(os.path.abspath(__file__))
DRACUT, INITRAMFS_TOOLS = "dracut", "initramfs-tools"
_MODULES = "usr/lib/dracut/modules.d"
# Where each program looks on every run, below the root of the image.
INSTALLED = {
    DRACUT: {"dracut/30ignition": _MODULES + "/30ignition"},
    INITRAMFS_TOOLS: {
        "initramfs-tools/hooks/ignition": "usr/share/initramfs-tools/hooks/ignition",
        "initramfs-tools/scripts/ignition": "usr/share/initramfs-tools/scripts/ignition",
        "initramfs-tools/scripts/init-premount/ignition": "usr/share/initramfs-tools/scripts/init-premount/ignition",
        "initramfs-tools/scripts/local-bottom/00-ignition": "usr/share/initramfs-tools/scripts/local-bottom/00-ignition",
    },
}
_OWN = "[0-9][0-9]ignition"


def install(form: str, root: str) -> list[str]:
    """Copies module, or hook and scripts, below `root`; returns what was written. Raises BuildError."""
    written = []
    for source, target in INSTALLED[form].items():
        path = os.path.join(root, target)
        if form == DRACUT:
            # In place of the distribution's own, whatever its number: dracut would run both.
            path = next(iter(sorted(glob.glob(os.path.join(glob.escape(root), _MODULES, _OWN)))), path)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if os.path.isdir(os.path.join(HERE, source)):
                shutil.copytree(os.path.join(HERE, source), path, dirs_exist_ok=True)
            else:
                shutil.copy(os.path.join(HERE, source), path)
        except OSError as error:
            raise BuildError(f"installing {path}: {error.strerror}") from None
        written.append(path)
    return written


def build(log: Log, form: str, output: str, kernel: str, more: tuple[str, ...]) -> None:
    """Writes an initramfs for a version of the kernel (default: the running one). `more` goes to the program. Raises BuildError."""
    kernel = kernel or os.uname().release
    if not os.path.isdir(f"/lib/modules/{kernel}"):
        raise BuildError(f"there are no modules of the kernel {kernel}: /lib/modules/{kernel} is not there; see --kernel")
    program = {DRACUT: "dracut", INITRAMFS_TOOLS: "mkinitramfs"}[form]
    if not which(program):
        raise BuildError(f"{program} is not on this machine; the format {form} is made by it")
    with tempfile.TemporaryDirectory(prefix="ignition-py-") as folder:
        partial = os.path.abspath(output) + ".partial"
        prepare = _dracut if form == DRACUT else _mkinitramfs
        argv, environment = prepare(folder, partial, kernel)
        try:
            run(log, [*argv[:1], *more, *argv[1:]], what=f"making {output}", env=environment)
            if not os.path.exists(partial):
                raise BuildError(f"making {output}: {program} has said nothing and written nothing")
            os.replace(partial, output)
        except CommandError as error:
            raise BuildError(str(error), hint=error.hint) from None
        finally:
            if os.path.exists(partial):
                os.unlink(partial)


def _environment() -> dict[str, str]:
    """So that the interpreter that the hook starts finds what this one has found."""
    paths = [os.path.dirname(os.path.dirname(HERE)), *(path for path in sys.path if path)]
    return {"PYTHONPATH": ":".join(dict.fromkeys(paths)), "PYTHONDONTWRITEBYTECODE": "1", "ignition_python": sys.executable}


def _dracut(folder: str, output: str, kernel: str) -> tuple[list[str], dict[str, str]]:
    base = "/usr/lib/dracut"
    for name in os.listdir(base):
        if name != "modules.d":
            os.symlink(f"{base}/{name}", f"{folder}/{name}")
    os.mkdir(f"{folder}/modules.d")
    for name in os.listdir(f"{base}/modules.d"):
        if not fnmatch.fnmatch(name, _OWN):
            os.symlink(f"{base}/modules.d/{name}", f"{folder}/modules.d/{name}")
    os.symlink(f"{HERE}/dracut/30ignition", f"{folder}/modules.d/30ignition")
    argv = ["dracut", "--force", "--add", "ignition", "--kver", kernel, output]
    return argv, {**_environment(), "dracutbasedir": folder}


def _mkinitramfs(folder: str, output: str, kernel: str) -> tuple[list[str], dict[str, str]]:
    shutil.copytree("/etc/initramfs-tools", folder, dirs_exist_ok=True)
    for name in ("hooks", "scripts"):
        shutil.copytree(f"{HERE}/initramfs-tools/{name}", f"{folder}/{name}", dirs_exist_ok=True)
    return ["mkinitramfs", "-d", folder, "-o", output, kernel], _environment()
