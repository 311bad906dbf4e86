"""The hypervisors of hosts.c: the library made from it, as a fixture."""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HOSTS = Path(__file__).with_name("hosts.c")


class Hosts:
    """The library made from hosts.c."""

    def __init__(self, library: Path) -> None:
        self.library = ctypes.CDLL(str(library))

    def __setitem__(self, name: str, value: bytes) -> None:
        self.library.store_set(name.encode(), value, ctypes.c_size_t(len(value)))

    def __getitem__(self, name: str) -> bytes | None:
        self.library.store_get.restype = ctypes.c_long
        room = ctypes.create_string_buffer(1 << 20)
        size = self.library.store_get(name.encode(), room, ctypes.c_size_t(len(room)))
        return None if size < 0 else room.raw[:size]

    def setting(self, name: str) -> Any:
        """A global variable: what it should do wrong, or has counted."""
        return ctypes.c_int.in_dll(self.library, name)


@pytest.fixture(scope="session")
def _hosts(tmp_path_factory: pytest.TempPathFactory) -> Hosts:
    compiler = shutil.which("cc")
    if compiler is None or platform.machine() != "x86_64" or not Path("/usr/include/linux/vboxguest.h").exists():
        pytest.skip("needs a C compiler and the kernel's headers, on x86-64")
    library = tmp_path_factory.mktemp("hosts") / "hosts.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(HOSTS)], check=True)
    return Hosts(library)


@pytest.fixture
def hosts(_hosts: Hosts) -> Iterator[Hosts]:
    yield _hosts
    _hosts.library.store_clear()
    for name in ("grows", "no_end", "read_only", "no_service", "connected"):
        _hosts.setting(name).value = 0
