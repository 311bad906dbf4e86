"""What an initramfs imports the executor's modules with: all of them from one file, by place and length.

`bundle.py` compiles this into the head of that file, and the launcher (`stage.py`) runs it and calls `install()`. Finding a
module in folders costs more than running most of ours does: this finds one in a dictionary. Nothing may be imported here
that is not in the interpreter's binary.
"""

from __future__ import annotations

import gc
import marshal
import posix
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TypeAlias

Index: TypeAlias = "dict[str, tuple[int, int, bool]]"

_THRESHOLD = 50_000  # objects; a stage's own modules are no garbage that has to be looked for


class BundleImporter:
    """Finder and loader of the modules in a bundle (importlib.abc.MetaPathFinder and importlib.abc.Loader).

    `index`: module -> (offset, length, is a package) in the file `path`, which is open as `descriptor`.
    `library` is the interpreter's library, where extension modules stay.
    """

    __slots__ = ("_descriptor", "_index", "_library", "_path", "_spec")

    def __init__(self, index: Index, descriptor: int, path: str, library: str) -> None:
        self._index, self._descriptor = index, descriptor
        self._path, self._library = path, library
        self._spec: type[ModuleSpec] = type(sys.__spec__)  # importlib.machinery would cost an import

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        entry = self._index.get(name)
        if entry is None:
            return None
        spec = self._spec(name, self, origin=f"{self._path}/{name}", is_package=entry[2])  # type: ignore[arg-type]
        spec.has_location = True
        if entry[2]:  # extension modules of a package are files
            spec.submodule_search_locations = [f"{self._library}/{name.replace('.', '/')}"]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual kind of module."""

    def exec_module(self, module: ModuleType) -> None:
        offset, length, _ = self._index[module.__name__]
        code = posix.pread(self._descriptor, length, offset)
        exec(marshal.loads(code), module.__dict__)  # noqa: S102, S302 - our own code, from beside this


def install(index: Index, descriptor: int, path: str, library: str) -> None:
    """Has the interpreter ask the bundle first."""
    gc.set_threshold(_THRESHOLD)
    sys.meta_path.insert(0, BundleImporter(index, descriptor, path, library))
