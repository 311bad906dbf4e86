"""The generator, run as systemd runs it, with a kernel command line of the test's own."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

import ignition_py.initrd

MODULE = Path(ignition_py.initrd.__file__).parent / "dracut" / "30ignition"
# A mount namespace in which /proc/cmdline, /run and /etc/ignition are the test's.
INSIDE = """mount --bind "$1" /proc/cmdline && mount --bind "$2" /run && mount -t tmpfs tmpfs /etc && mkdir /etc/ignition
[ ! -e "$5" ] || cp "$5" /etc/ignition/environment
exec "$3" "$4\""""
FIRST = {"initrd.target.requires/ignition-complete.target", "ignition-complete.target.requires/ignition-diskful.target"}
LATER = {
    "initrd.target.requires/ignition-subsequent.target",
    "ignition-subsequent.target.requires/ignition-diskful-subsequent.target",
}


def generate(directory: Path, cmdline: str, settings: str = "") -> tuple[set[str], str]:
    """Links that the generator made, and the environment that it left."""
    units, run = directory / "units", directory / "run"
    units.mkdir()
    run.mkdir()
    (directory / "cmdline").write_text(cmdline)
    if settings:
        (directory / "environment").write_text(settings)
    names = [
        str(directory / "cmdline"),
        str(run),
        str(MODULE / "ignition-generator"),
        str(units),
        str(directory / "environment"),
    ]
    subprocess.run(["unshare", "--mount", "sh", "-c", INSIDE, "sh", *names], check=True)
    links = {str(path.relative_to(units)) for path in units.rglob("*") if path.is_symlink()}
    return links, (run / "ignition.env").read_text()


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("cmdline", "links"),
    [
        ("root=LABEL=root ignition.firstboot ignition.platform.id=qemu\n", FIRST),
        ("ignition.firstboot=1 ignition.platform.id=qemu", FIRST),
        ("ignition.platform.id=metal ignition.firstboot=yes ignition.platform.id=qemu\n", FIRST),
        ("ignition.firstboot=0 ignition.platform.id=qemu\n", LATER),
        ("ignition.firstboot=no ignition.platform.id=qemu\n", LATER),
        ("ignition.firstboot=off ignition.platform.id=qemu\n", LATER),
        ("ignition.firstboot= ignition.platform.id=qemu\n", LATER),
        ("ignition.firstboot=1 ignition.firstboot=0 ignition.platform.id=qemu\n", LATER),
        ("ignition.firstbooted * ignition.platform.id=qemu\n", LATER),
        ("ignition.firstboot=auto ignition.platform.id=qemu\n", {"initrd.target.requires/ignition-decide.service"}),
        ("systemd.condition-first-boot ignition.platform.id=qemu\n", FIRST),
        ("systemd.condition_first_boot=yes ignition.platform.id=qemu\n", FIRST),
        ("systemd.condition_first-boot=false ignition.platform.id=qemu\n", LATER),
        ("systemd.condition-first-boot=1 ignition.firstboot=0 ignition.platform.id=qemu\n", LATER),
        ("ignition.firstboot systemd.condition-first-boot=0 ignition.platform.id=qemu\n", FIRST),
    ],
)
def test_first_boot(tmp_path: Path, cmdline: str, links: set[str]) -> None:
    assert generate(tmp_path, cmdline) == (links, 'PLATFORM_ID="qemu"\nIGNITION_CONSOLE=1\n')


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(("cmdline", "name"), [("quiet\n", ""), ('ignition.platform.id=a"$(b)\n', "ab"), ("\n", "")])
def test_platform(tmp_path: Path, cmdline: str, name: str) -> None:
    assert generate(tmp_path, cmdline)[1] == f'PLATFORM_ID="{name}"\nIGNITION_CONSOLE=1\n'
    assert stat.S_IMODE((tmp_path / "run/ignition.env").stat().st_mode) == 0o600  # settings of images hold tokens


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("words", "wanted"),
    [("ignition.report.started", True), ("ignition.report.started=1", True), ("ignition.report.started=0", False)],
)
def test_a_report_of_the_beginning(tmp_path: Path, words: str, wanted: bool) -> None:
    assert ("IGNITION_REPORT_STARTED=1\n" in generate(tmp_path, f"{words}\n")[1]) is wanted


def test_every_unit_is_installed() -> None:
    """Each file of the module is named by its setup script, in full or by stage, so none is left behind."""
    script = (MODULE / "module-setup.sh").read_text()
    stages = next(line for line in script.splitlines() if "for stage in" in line).split()
    for name in os.listdir(MODULE):
        stage = name.removeprefix("ignition-").removesuffix(".service")
        target = name.removeprefix("ignition-").removesuffix(".target")
        listed = stage in stages or stage + ";" in stages or name in script or f" {target}" in script
        assert listed or name == "module-setup.sh", name


@pytest.mark.root
@pytest.mark.subprocess
def test_settings_of_the_image_come_last(tmp_path: Path) -> None:
    """Of a name that is there twice, systemd and a shell take the last."""
    settings = "IGNITION_CONSOLE=0\nIGNITION_TRUSTED_TIME=image\n"
    assert generate(tmp_path, "ignition.firstboot ignition.platform.id=qemu\n", settings) == (
        FIRST, 'PLATFORM_ID="qemu"\nIGNITION_CONSOLE=1\n' + settings,
    )  # fmt: skip
