"""One file with the bytecode of many modules, and the few lines that start a program from it.

    marshal of (code of loader.py, {module: (offset, length, is a package)})   the head
    marshal of each module's code, one after the other

Offsets count from the beginning of the file. `stage.py` writes it, `loader.py` reads it. Nothing in it is compressed: the image that
it lies in is compressed as a whole.
"""

from __future__ import annotations
import __future__

import ast
import marshal
import os
from collections.abc import Iterable
from types import CodeType

from ignition_py.initrd.modules import is_own
from ignition_py.initrd.strip import strip
from ignition_py.record import Record

Code = tuple[str, bool, bytes]  # name, is a package, marshalled code

# Runs `main` of a module with its words of the command line; the process ends without tearing its modules down, which
# would take 12 to 15 million instructions more, the journal on. An exception, SystemExit included, takes the long way.
_START = """#!{python} -IS
import marshal, os, sys
descriptor = os.open({bundle!r}, os.O_RDONLY | os.O_CLOEXEC)
loader, index = marshal.loads(os.read(descriptor, {head}))
exec(loader)
install(index, descriptor, {bundle!r}, {library!r})
{then}"""
MAIN = """from ignition_py.cli import main
status = main()
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
"""


class Bundle(Record):
    """The bytes of a bundle, and how many of them its head has."""

    data: bytes
    head: int

    def program(self, then: str, *, python: str, path: str, library: str) -> str:
        """A program that reads the bundle at `path` and goes on with the Python statements `then`."""
        return _START.format(python=python, bundle=path, library=library, head=self.head, then=then)


def compiled(source: bytes, name: str, *, own: bool = False) -> bytes:
    """The marshalled code of `source`, see `code_of`."""
    return marshal.dumps(code_of(source, name, own=own))


def code_of(source: bytes, name: str, *, own: bool = False) -> CodeType:
    """Compiles without docstrings and assertions, and with each `from __future__ import` as a setting of the compiler.

    The statement would import a module each time, which the loader has not and the others need not. `name` is the file name that
    tracebacks show. `own`: a module of ours, whose annotations go, and what only they need (strip.py).
    """
    tree = ast.parse(source, name)
    if own:
        strip(tree)
    flags = 0
    for node in [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]:
        tree.body.remove(node)
        for alias in node.names:
            flags |= getattr(__future__, alias.name).compiler_flag
    code: CodeType = compile(tree, name, "exec", flags, dont_inherit=True, optimize=2)
    return _without_columns(code)


def _without_columns(code: CodeType) -> CodeType:
    """Lines are enough for a traceback without sources; columns are a tenth of the bytecode.

    Format of the table: Objects/locations.md of CPython 3.11 and later.
    """
    table = bytearray()
    line = code.co_firstlineno
    for start, end, at in code.co_lines():
        units = (end - start) // 2
        while units > 0:
            length = min(units, 8)
            if at is None:
                table.append(0x80 | _NO_LOCATION << 3 | length - 1)
            else:
                table.append(0x80 | _LINE_ONLY << 3 | length - 1)
                table += _signed(at - line)
                line = at
            units -= length
    constants = tuple(_without_columns(item) if isinstance(item, type(code)) else item for item in code.co_consts)
    return code.replace(co_linetable=bytes(table), co_consts=constants)


_NO_LOCATION, _LINE_ONLY = 15, 13  # codes of an entry


def _signed(number: int) -> bytes:
    """Six bits a byte, the least first; the lowest bit of all is the sign."""
    number = -number << 1 | 1 if number < 0 else number << 1
    out = bytearray()
    while number >= 64:
        out.append(0x40 | number & 63)
        number >>= 6
    out.append(number)
    return bytes(out)


def bundle(modules: Iterable[tuple[str, bool, bytes]]) -> Bundle:
    """A bundle of (name, is a package, source) of each module. Packages without a source are made where names need them."""
    sources = {name: (package, source) for name, package, source in modules}
    for name in tuple(sources):
        while name := name.rpartition(".")[0]:
            sources.setdefault(name, (True, b""))
    with open(os.path.join(os.path.dirname(__file__), "loader.py"), "rb") as file:
        loader = code_of(file.read(), "ignition_py/initrd/loader.py", own=True)
    codes: list[Code] = [
        (name, package, compiled(source, f"{name.replace('.', '/')}.py", own=is_own(name)))
        for name, (package, source) in sources.items()
    ]
    # Numbers of the same width in marshal's format whatever they are, so that the head's length is known beforehand.
    head = len(_head(loader, codes, 0))
    return Bundle(_head(loader, codes, head) + b"".join(code for _, _, code in codes), head)


def _head(loader: CodeType, codes: list[Code], start: int) -> bytes:
    index = {}
    for name, package, code in codes:
        index[name] = (start, len(code), package)
        start += len(code)
    return marshal.dumps((loader, index), 2)  # version 2: without references, whose use would depend on the numbers
