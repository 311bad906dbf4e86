"""A newer Debian (newer.py): each initramfs of docs/images.md made by the page's commands, booted, and the machine asked for its config."""

from __future__ import annotations

from pathlib import Path

import pytest
from newer import NewerMachine, built
from test_matrix import CHECKS, config  # noqa: F401 - a fixture

pytestmark = [pytest.mark.vm, pytest.mark.root, pytest.mark.slow, pytest.mark.matrix]


def provisioned(folder: Path, segments: list[str], config: bytes) -> None:  # noqa: F811
    with (
        NewerMachine(str(folder), segments, disks=["512M"], config=config, say=print) as machine,
        machine.boot(first_boot=True) as boot,
    ):
        boot.wait_until_up()
        boot.ask("systemctl is-system-running --wait", timeout=120)
        found = [boot.ask(question).stdout.strip() for question, _ in CHECKS]
        assert found == [answer for _, answer in CHECKS], boot.console.text(80)


@pytest.mark.parametrize("build", ["dracut", "dracut --add", "initrd build", "initramfs-tools"])
def test_an_initramfs_of_the_page(tmp_path: Path, config: bytes, build: str) -> None:  # noqa: F811
    provisioned(tmp_path, [built(build, print)], config)
