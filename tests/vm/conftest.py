"""Fixtures for tests that need a machine; see README.md."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.vm.vmlab.machine import Boot, Machine
from tests.vm.vmlab.shell import vm_shell

NEEDED = ("qemu-system-x86_64", "mmdebstrap", "debugfs", "mkfs.ext4", "unshare", "swtpm")


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    """Machines need root and programs; missing ones are an error in CI and a reason to skip on a desk."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    missing += [] if os.geteuid() == 0 else ["root"]
    if missing:
        message = f"machines cannot be built here, missing: {', '.join(missing)}; tools/setup.sh vm installs them"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


@pytest.fixture
def make_machine(tmp_path: object) -> Iterator[Callable[..., Machine]]:
    """`make_machine(disks=["1G"], config=b"...")`: a Machine whose disks are deleted after the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Machine(str(tmp_path), say=print, **settings))


@pytest.fixture(name="vm_shell")
def _vm_shell() -> Iterator[Callable[..., Boot]]:
    """`vm_shell(["1G", "1G"], tpm=True)`: a booted machine with blank disks and the working tree at /src; `more` as in vmlab.shell."""
    with ExitStack() as stack:
        yield lambda disks=(), **more: stack.enter_context(vm_shell(disks, say=print, **more))
