"""Puts the executor's files together for an initramfs: `python3 -m ignition_py.initrd.stage DESTDIR`.

Run by an image builder's hook with the interpreter that the image will carry. Below DESTDIR it writes

    /usr/bin/ignition                      the launcher
    /usr/lib/ignition-py/modules           every module as bytecode, in one file (bundle.py)
    /usr/lib/ignition-py/lib/python3.N/    what the interpreter imports before it can read that file
    /usr/lib/ignition-py/check.py          imports every module once; run when the image is built

and prints, one per line, `source<TAB>target` of each binary (the interpreter, extension modules) that the hook has to
install with the shared libraries it needs. Exit status 1 and a sentence on standard error where a module is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence

from ignition_py.initrd import carried
from ignition_py.initrd.bundle import MAIN, bundle, compiled
from ignition_py.initrd.modules import OWN, MissingModule, Module, modules_needed
from ignition_py.initrd.patterns import with_patterns
from ignition_py.initrd.stand_ins import STAND_INS

PREFIX = "/usr/lib/ignition-py"
# Imported by the interpreter itself, before the launcher runs, and found as files (or frozen, but not in every build).
_EARLY = ("abc", "codecs", "encodings", "genericpath", "io", "os", "posixpath", "stat", "_collections_abc", "_py_abc")
_CHECK = """import importlib
failed = []
for name in {names!r}.split():
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed.append(f"{{name}}: {{type(error).__name__}}: {{error}}")
for line in failed:
    print("cannot import", line, file=sys.stderr)
sys.exit(1 if failed else 0)
"""


def bytecode(source: bytes, name: str) -> bytes:
    """A .pyc of `source` that is never compared with a source file (PEP 552, unchecked hash).

    `name` is the file name that tracebacks show.
    """
    flags = (0b01).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + compiled(source, name)


def library_directory(prefix: str) -> str:
    """Where an interpreter in PREFIX/bin looks for its library."""
    return f"{prefix}/{sys.platlibdir}/python{sys.version_info[0]}.{sys.version_info[1]}"


def relative_path(module: Module) -> str:
    """Path of a module below the library directory, with the suffix of its source or extension module."""
    assert module.path is not None
    parts = module.name.split(".")
    file = os.path.basename(module.path)
    if module.search is not None:
        return "/".join([*parts, file])
    suffix = file[file.index(".") :]
    folder = parts[:-1] if len(parts) > 1 or module.path.endswith(".py") else ["lib-dynload"]
    return "/".join([*folder, parts[-1] + suffix])


def _write(path: str, data: bytes, mode: int = 0o644) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


class Layout:
    """Where things are in the initramfs, all below `prefix`."""

    __slots__ = ("bundle", "check", "launcher", "library", "prefix", "python")

    def __init__(self, prefix: str = PREFIX) -> None:
        self.prefix = prefix
        self.python = f"{prefix}/bin/python3"
        self.bundle = f"{prefix}/modules"
        self.check = f"{prefix}/check.py"
        self.library = library_directory(prefix)
        self.launcher = "/usr/bin/ignition"


class Python:
    """What an interpreter needs to run the executor: `files` that are made (path -> contents), `natives` that are copied
    ((source, target) of the interpreter and of extension modules), and the `bundle` among the files."""

    __slots__ = ("bundle", "files", "natives")

    def __init__(self, layout: Layout) -> None:
        """Raises MissingModule."""
        modules = modules_needed()
        self.files: dict[str, bytes] = {}
        self.natives = [(os.path.realpath(sys.executable), layout.python)]
        bundled = [(name, False, source.encode()) for name, source in STAND_INS.items()]
        for module in modules:
            assert module.path is not None
            target = f"{layout.library}/{relative_path(module)}"
            if not module.path.endswith(".py"):
                self.natives.append((module.path, target))
            elif module.name.partition(".")[0] in _EARLY:
                self.files[target + "c"] = bytecode(_read(module.path), relative_path(module))
            else:
                bundled.append((module.name, module.search is not None, _read(module.path)))
        names = [module.name for module in modules if _importable(module.name)]
        self.bundle = bundle(with_patterns(bundled, names))
        self.files[layout.bundle] = self.bundle.data
        for path, then in ((layout.launcher, MAIN), (layout.check, _CHECK.format(names=" ".join(names)))):
            program = self.bundle.program(then, python=layout.python, path=layout.bundle, library=layout.library)
            self.files[path] = program.encode()


def stage(destination: str, prefix: str = PREFIX) -> list[tuple[str, str]]:
    """Writes everything but binaries below `destination`; returns (source, target) of those. Raises MissingModule."""
    layout = Layout(prefix)
    python = Python(layout)
    for path, data in python.files.items():
        _write(destination + path, data, 0o755 if path == layout.launcher else 0o644)
    return python.natives


def _importable(name: str) -> bool:
    """True if a module is imported when the image is built: ours and what they import directly; not what starts a program."""
    return name.partition(".")[0] in (*OWN, "parted", "requests", "ruamel") and not name.endswith(".__main__")


DRACUT_MODULE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dracut", "30ignition")
_WORDS = {
    "needed": carried.NEEDED,
    "programs": carried.PROGRAMS,
    "clevis": carried.CLEVIS,
    "settings": carried.SETTINGS,
    "kernel-modules": carried.KERNEL_MODULES,
    "generator": (os.path.join(DRACUT_MODULE, "ignition-generator"),),
    "pwquality": (os.path.join(DRACUT_MODULE, "ignition-pwquality.conf"),),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python3 -m ignition_py.initrd.stage", description="Files for an initramfs.")
    parser.add_argument("destination", nargs="?", help="root of the initramfs that is being made")
    parser.add_argument("--prefix", default=PREFIX, help="where the interpreter and its modules go (default: %(default)s)")
    parser.add_argument("--words", choices=sorted(_WORDS), help="print what a hook has to carry besides, one a line")
    options = parser.parse_args(arguments)
    if options.words:
        print("\n".join(_WORDS[options.words]))
        return 0
    if options.destination is None:
        parser.error("DESTDIR is missing: the root of the initramfs that is being made")
    try:
        natives = stage(options.destination.rstrip("/"), options.prefix)
    except MissingModule as error:
        print(f"ignition-py: {error}", file=sys.stderr)
        return 1
    for source, target in natives:
        print(f"{source}\t{target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
