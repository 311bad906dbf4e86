"""Disk tests that need a kernel with md and device mapper, systemd, and a udev of their own: they run by pytest in a machine that has
it all. `-m matrix` plays every power cut and many more cases against Debian's Ignition; see the README.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest

from tests.vm.vmlab.machine import Boot
from tests.vm.vmlab.shell import in_tree

pytestmark = pytest.mark.vm

PEER = "/usr/lib/dracut/modules.d/30ignition"  # where Debian's package has the executor
ARRAYS = (
    "disks/test_disks_raid.py", "disks/test_disks_old_arrays.py", "files/test_files_mdadm.py", "disks/test_disks_mapper.py",
    "disks/test_disks_power_cut.py",
)  # fmt: skip


def run_in(boot: Boot, *files: str, timeout: float, options: Sequence[str] = (), **env: str) -> None:
    """Runs test files of tests/stages in the machine; every one of their tests has to run and to pass. `options`: pytest's."""
    settings = ["env", *(f"{name}={value}" for name, value in env.items())]
    argv = ["python3", "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *options, *(f"/src/tests/stages/{name}" for name in files)]
    answer = boot.run(in_tree([*settings, *argv]), timeout=timeout)
    print(answer.stdout[-6000:])
    assert answer.rc == 0, answer.stdout[-6000:] + answer.stderr[-1000:]
    assert "passed" in answer.stdout
    assert "skipped" not in answer.stdout


def test_arrays_mappings_power_cuts_and_the_peer(vm_shell: Callable[..., Boot]) -> None:
    assert os.access(f"{PEER}/ignition", os.X_OK), "tools/setup.sh test installs Debian's ignition"
    boot = vm_shell((), more={"peer": PEER})
    run_in(boot, "../system/test_device_timeout.py", timeout=600)
    run_in(boot, *ARRAYS, timeout=2400, options=["-k", "not (test_power_cut_anywhere and plain)"])  # the host plays that
    run_in(boot, "disks/test_disks_peer.py", timeout=1800, IGNITION_PEER="/peer/ignition")


@pytest.mark.matrix
def test_more_old_arrays(vm_shell: Callable[..., Boot]) -> None:
    run_in(vm_shell(()), "disks/test_disks_old_arrays.py", timeout=2400, options=["-m", "matrix"])


@pytest.mark.matrix
@pytest.mark.parametrize("part", ["1/3", "2/3", "3/3"])
def test_every_power_cut(vm_shell: Callable[..., Boot], part: str) -> None:
    """In parts, so that nobody who waits for the machine waits for all of it."""
    run_in(vm_shell(()), "disks/test_disks_power_cut.py", timeout=3600, POWER_CUTS=part)


@pytest.mark.matrix
@pytest.mark.parametrize("seed", ["1", "2", "3", "4"])
def test_many_cases_against_the_peer(vm_shell: Callable[..., Boot], seed: str) -> None:
    boot = vm_shell((), more={"peer": PEER})
    run_in(boot, "disks/test_disks_peer.py", timeout=3600, IGNITION_PEER="/peer/ignition", PEER_CASES="100", PEER_SEED=seed)
