"""Puts the executor's files together for an initramfs: `python3 -m ignition_py.initrd.stage DESTDIR`.

Run by an image builder's hook with the interpreter that the image will carry. Below DESTDIR it writes

    /usr/bin/ignition                      the launcher
    /usr/lib/ignition-py/lib/python3.N/    modules as bytecode, without their sources
    /usr/lib/ignition-py/check.py          imports every module once; run when the image is built

and prints, one per line, `source<TAB>target` of each binary (the interpreter, extension modules) that the hook has to
install with the shared libraries it needs. Exit status 1 and a sentence on standard error where a module is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import marshal
import os
import sys

from ignition_py.initrd.modules import OWN, MissingModule, Module, modules_needed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PREFIX = "/usr/lib/ignition-py"
# -I and -S: nothing from the environment, from a home directory or from site-packages gets in.
_LAUNCHER = """#!{prefix}/bin/python3 -IS
import sys
from ignition_py.cli import main
sys.exit(main())
"""
_CHECK = """# Imports every module that the executor could import. Run inside the initramfs while it is built.
import importlib
import sys

sys.path[:] = [entry for entry in sys.path if entry.startswith({prefix!r})]
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

    Compiled without docstrings and assertions. `name` is the file name that tracebacks show.
    """
    code = compile(source, name, "exec", dont_inherit=True, optimize=2)
    flags = (0b01).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code)


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


def write_modules(modules: Iterable[Module], destination: str, prefix: str) -> list[tuple[str, str]]:
    """Writes bytecode below `destination`; returns (source, target) of the extension modules."""
    library = library_directory(prefix)
    extensions = []
    for module in modules:
        assert module.path is not None
        target = f"{library}/{relative_path(module)}"
        if not module.path.endswith(".py"):
            extensions.append((module.path, target))
            continue
        with open(module.path, "rb") as file:
            source = file.read()
        _write(destination + target + "c", bytecode(source, relative_path(module)))
    return extensions


def stage(destination: str, prefix: str = PREFIX) -> list[tuple[str, str]]:
    """Writes everything but binaries below `destination`; returns (source, target) of those. Raises MissingModule."""
    modules = modules_needed()
    natives = [(os.path.realpath(sys.executable), f"{prefix}/bin/python3")]
    natives += write_modules(modules, destination, prefix)
    _write(f"{destination}/usr/bin/ignition", _LAUNCHER.format(prefix=prefix).encode(), 0o755)
    names = " ".join(module.name for module in modules if _importable(module.name))
    _write(f"{destination}{prefix}/check.py", _CHECK.format(prefix=prefix, names=names).encode())
    return natives


def _importable(name: str) -> bool:
    """Whether a module is tried when the image is built: ours and what they import directly; not what starts a program."""
    return name.partition(".")[0] in (*OWN, "parted", "requests", "ruamel") and not name.endswith(".__main__")


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python3 -m ignition_py.initrd.stage", description="Files for an initramfs.")
    parser.add_argument("destination", help="root of the initramfs that is being made")
    parser.add_argument("--prefix", default=PREFIX, help="where the interpreter and its modules go (default: %(default)s)")
    options = parser.parse_args(arguments)
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
