"""Disk tests that need a kernel with md: RAID arrays, in a machine that has it, with its real udev."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from vmlab.machine import Boot
from vmlab.shell import in_tree

pytestmark = pytest.mark.vm


def test_raid(vm_shell: Callable[[Sequence[str]], Boot]) -> None:
    boot = vm_shell(["64M", "64M"])
    pytest_run = ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "/src/tests/stages/disks/test_disks_raid.py"]
    pytest_run.append("/src/tests/stages/files/test_files_mdadm.py")
    answer = boot.run(in_tree(pytest_run), timeout=420)
    assert answer.rc == 0, answer.stdout[-3000:] + answer.stderr[-1000:]
    assert "passed" in answer.stdout
    assert "skipped" not in answer.stdout
