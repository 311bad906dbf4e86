"""Platforms zvm and nvidiabluefield: programs of the same name stand in for those of machines that this one is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py.providers import (
    Machine,
    load,
    nvidiabluefield,
    zvm,
)
from ignition_py.report.diag import IgnitionError
from tests.providers.fakes import program
from tests.providers.network import config

CONFIG = config("zvm")

LISTING = """\
ORIGINID FILE CLASS RECORDS  CPY HOLD DATE  TIME     NAME      TYPE     DIST
LINUX    0002 D PUN 00000036 001 NONE 12/19 06:03:33 coreos    prm      LINUX
LINUX    0003 D PUN 00000036 001 NONE 12/19 06:03:33 config    ign      LINUX
LINUX    0004 D PUN 00000036 001 NONE 12/19 06:03:33 later     ign      LINUX
"""


@pytest.fixture
def reader(fake_programs: Path) -> Callable[[str, bytes], dict[str, Path]]:
    """A z/VM reader with this listing, whose files all have this content."""

    def make(listing: str, content: bytes) -> dict[str, Path]:
        (fake_programs / "listing").write_text(listing)
        (fake_programs / "content").write_bytes(content)
        vmur = f'case $1 in li) cat {fake_programs}/listing;; re) cp {fake_programs}/content "$4";; esac'
        scripts = {"modprobe": "", "cio_ignore": "", "chccwdev": "", "vmur": vmur}
        return {name: program(fake_programs, name, script) for name, script in scripts.items()}

    return make


@pytest.mark.subprocess
def test_zvm(reader: Callable[[str, bytes], dict[str, Path]], machine: Machine) -> None:
    notes = reader(LISTING, b"\0\0" + CONFIG + b"\0" * 60)
    assert load("zvm")(machine) == CONFIG
    assert notes["modprobe"].read_text() == "vmur\n"
    assert notes["chccwdev"].read_text() == "-e 000c\n"
    assert not notes["cio_ignore"].exists()
    listed, received = notes["vmur"].read_text().splitlines()
    assert listed == "li"
    assert received.startswith("re -f 0003 ")
    assert not Path(received.split()[-1]).parent.exists()


@pytest.mark.subprocess
@pytest.mark.parametrize("listing", ["", LISTING.splitlines()[0] + "\n", "\n", "a b c\n\xff\n"])
def test_zvm_without_a_config(reader: Callable[[str, bytes], dict[str, Path]], machine: Machine, listing: str) -> None:
    notes = reader(listing, CONFIG)
    assert zvm.fetch(machine) == b""
    assert notes["vmur"].read_text() == "li\n"


@pytest.mark.subprocess
def test_zvm_reader_that_is_ignored(
    reader: Callable[[str, bytes], dict[str, Path]], machine: Machine, fake_programs: Path
) -> None:
    notes = reader(LISTING, CONFIG)
    program(fake_programs, "chccwdev", f"test -e {notes['cio_ignore']}")
    assert zvm.fetch(machine) == CONFIG
    assert notes["cio_ignore"].read_text() == "-r 000c\n"
    assert notes["chccwdev"].read_text() == "-e 000c\n" * 2


@pytest.mark.subprocess
def test_zvm_failures(reader: Callable[[str, bytes], dict[str, Path]], machine: Machine, fake_programs: Path) -> None:
    reader(LISTING.replace("0003", "../3"), CONFIG)
    with pytest.raises(IgnitionError, match="which is not a number"):
        zvm.fetch(machine)
    program(fake_programs, "vmur", "test $1 = li && echo 'L 0003 D PUN 1 1 N 1 1 config ign L' && exit; exit 3")
    with pytest.raises(IgnitionError, match=r"receiving config\.ign from the z/VM reader"):
        zvm.fetch(machine)
    program(fake_programs, "chccwdev", "echo no such device >&2; exit 1")
    with pytest.raises(IgnitionError, match=r"bringing the z/VM reader 000c online: .*no such device"):
        zvm.fetch(machine)


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("content", "wanted"), [(b"\0" + CONFIG + b"\0\0", CONFIG), (b"", b""), (b"\0\0", b""), (None, b"")]
)
def test_bluefield(machine: Machine, fake_programs: Path, content: bytes | None, wanted: bytes) -> None:
    note = program(fake_programs, "modprobe")
    fifo = Path(machine.path(nvidiabluefield.FIFO))
    fifo.parent.mkdir(parents=True)
    if content is not None:
        fifo.write_bytes(content)
    assert load("nvidiabluefield")(machine) == wanted
    assert note.read_text() == "mlxbf_bootctl\n"


@pytest.mark.subprocess
def test_bluefield_failures(machine: Machine, fake_programs: Path) -> None:
    program(fake_programs, "modprobe")
    Path(machine.path(nvidiabluefield.FIFO)).mkdir(parents=True)
    with pytest.raises(IgnitionError, match=r"reading the config from /sys/bus/platform/.*: Is a directory"):
        nvidiabluefield.fetch(machine)
    program(fake_programs, "modprobe", "echo no module >&2; exit 1")
    with pytest.raises(IgnitionError, match=r"loading the kernel module mlxbf_bootctl: .*no module"):
        nvidiabluefield.fetch(machine)
