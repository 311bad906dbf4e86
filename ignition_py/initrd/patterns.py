"""Regular expressions that are compiled when an image is built, and not in each start.

urllib3, email and the standard library compile theirs when they are imported: 50 of the 170 million instructions of the first
download (docs/performance.md). A child of the interpreter that the image will carry imports the modules and notes what its compiler
makes of each pattern. In the image these results are a module `re._compiler` of ours; it hands everything else to the
interpreter's own, which is there as `re._full_compiler`. Nothing is replaced where an interpreter has no such module. Source:
CPython's Lib/re, from 3.11 on.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence

Source = tuple[str, bool, bytes]  # name, is a package, source
COMPILER = "re._compiler"
FULL = "re._full_compiler"
# Imports the modules that are named and prints {(pattern, flags): (flags, code, groups, names of groups, their numbers)}.
_NOTE = """
import importlib, re, sys
from array import array
from re import _compiler

found = {}

class Noting:
    def __init__(self, inner):
        self.inner = inner
    def __getattr__(self, name):
        return getattr(self.inner, name)
    def compile(self, pattern, flags, code, groups, index, names):
        found[key] = int(flags), array("I", code).tobytes(), groups, tuple(index.items()), names
        return self.inner.compile(pattern, flags, code, groups, index, names)

def compile(pattern, flags=0):
    global key
    key = (pattern, int(flags))
    return full(pattern, flags)

_compiler._sre, full = Noting(_compiler._sre), _compiler.compile
_compiler.compile = compile
re.purge()
importlib.reload(re)
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
print({key: value for key, value in found.items() if isinstance(key[0], (str, bytes))})
"""
_COMPILER = """
import _sre
from re._constants import *
_FOUND = {found!r}
def isstring(obj):
    return isinstance(obj, (str, bytes))
def compile(p, flags=0):
    found = _FOUND.get((p, flags)) if isstring(p) else None
    if found is None:
        from re import _full_compiler
        return _full_compiler.compile(p, flags)
    flags, code, groups, index, names = found
    return _sre.compile(p, flags, list(memoryview(code).cast("I")), groups, dict(index), names)
"""


def with_patterns(modules: list[Source], names: Sequence[str]) -> list[Source]:
    """The modules of a bundle with those patterns compiled that importing `names` compiles."""
    noted = subprocess.run([sys.executable, "-c", _NOTE, *names], capture_output=True, text=True, check=False)
    if noted.returncode or COMPILER not in (name for name, _, _ in modules):
        return modules
    compiler = _COMPILER.format(found=ast.literal_eval(noted.stdout.splitlines()[-1]))
    moved = [(FULL if name == COMPILER else name, package, source) for name, package, source in modules]
    return [*moved, (COMPILER, False, compiler.encode())]
