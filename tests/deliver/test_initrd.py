"""`butane-py pxe-initrd`: archives that cpio and xz read, and archives that they have made."""

from __future__ import annotations

import lzma
import subprocess
from pathlib import Path

import pytest

from butane_py.cli.main import main
from butane_py.deliver import initrd
from butane_py.deliver.model import DeliveryError

CONFIG = b'{"ignition": {"version": "3.4.0"}}'


def run(*words: object) -> int:
    return main(["butane-py", "pxe-initrd", *map(str, words)])


@pytest.mark.subprocess
def test_wrap_and_unwrap(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    config, archive = tmp_path / "config.ign", tmp_path / "config.img"
    config.write_bytes(CONFIG)
    config.chmod(0o600)
    assert run("wrap", config, "-o", archive) == 0
    assert archive.stat().st_mode & 0o777 == 0o600
    listed = subprocess.run(f"xz -dc {archive} | cpio -itv", shell=True, check=True, capture_output=True, text=True).stdout
    assert listed.split()[0] == "-rw-------"
    assert listed.split()[-1] == "config.ign"
    assert run("unwrap", archive) == 0
    assert capfdbinary.readouterr().out == CONFIG
    assert run("wrap", config) == 0
    assert capfdbinary.readouterr().out == archive.read_bytes()
    assert run("wrap", archive) == 1
    assert run("unwrap", config) == 1
    assert b"this is not an initramfs archive" in capfdbinary.readouterr().err


@pytest.mark.subprocess
def test_for_any_ignition(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    config, archive = tmp_path / "config.ign", tmp_path / "config.img"
    config.write_bytes(CONFIG)
    assert run("wrap", config, "--for", "ignition", "-o", archive) == 0
    (tmp_path / "root").mkdir()
    subprocess.run(f"xz -dc {archive} | cpio --quiet -i", shell=True, cwd=tmp_path / "root", check=True)  # folders come before what is in them
    assert (tmp_path / "root/usr/lib/ignition/user.ign").read_bytes() == CONFIG
    assert (tmp_path / "root/usr/lib").stat().st_mode & 0o7777 == 0o755
    assert run("unwrap", archive) == 0
    assert capfdbinary.readouterr().out == CONFIG


@pytest.mark.subprocess
@pytest.mark.parametrize("form", ["newc", "crc"])
def test_archives_of_cpio(tmp_path: Path, form: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Several, compressed and not, with zeros between them: the last file of a name counts; other files, links and devices are read over."""
    tree = tmp_path / "tree"
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/large").write_bytes(b"large" * 100_000)
    (tree / "init").symlink_to("usr/lib/large")
    (tree / "config.ign").write_bytes(b"the first")
    made = subprocess.run(f"find . | cpio --quiet -o -H {form}", shell=True, cwd=tree, check=True, capture_output=True).stdout
    both = tmp_path / "both.img"
    both.write_bytes(made + initrd.wrap(b"the second") + bytes(1000) + lzma.compress(made, check=lzma.CHECK_CRC32) + bytes(5) + initrd.wrap(CONFIG) + bytes(3))
    assert run("unwrap", both) == 0
    assert capfdbinary.readouterr().out == CONFIG
    found = initrd.files([made])
    assert found["config.ign"] == b"the first"
    assert found["usr/lib/large"] == b"large" * 100_000
    assert "init" not in found
    both.write_bytes(made.replace(b"config.ign", b"config.nil"))
    assert run("unwrap", both) == 1
    assert b"both.img has neither config.ign nor usr/lib/ignition/user.ign" in capfdbinary.readouterr().err


def test_pieces_of_any_size() -> None:
    data = initrd.wrap(CONFIG) + bytes(7) + lzma.decompress(initrd.pack({"a/b/c": b"1", "config.ign": b"2"}))
    for size in (1, 2, 7, 512, len(data)):
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert initrd.files(pieces) == {"config.ign": b"2", "a/b/c": b"1"}


def test_the_same_config_gives_the_same_bytes() -> None:
    assert initrd.wrap(CONFIG) == initrd.wrap(CONFIG)


@pytest.mark.parametrize("compressed", [True, False])
def test_archives_that_are_damaged(compressed: bool) -> None:
    """Cut off anywhere, or with a byte changed, an archive is refused or gives what it still says; nothing else happens."""
    data = initrd.wrap(CONFIG)
    data = data if compressed else lzma.decompress(data)
    for size in range(1, len(data) - (0 if compressed else 400)):
        with pytest.raises(DeliveryError):
            initrd.files([data[:size]])
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        try:
            initrd.files([bytes(changed)])
        except DeliveryError as error:
            assert str(error)


def test_sizes_that_are_no_digits() -> None:
    data = lzma.decompress(initrd.wrap(CONFIG))
    place = 6 + 8 * 6  # of the size
    for size in (b"-0000001", b"+0000022", b"      22", b"00_00022", b"0x000022"):
        with pytest.raises(DeliveryError, match="something else than hexadecimal digits"):
            initrd.files([data[:place] + size + data[place + 8 :]])


def test_what_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initrd, "LIMIT", 70 << 20)
    with pytest.raises(DeliveryError, match="larger than 70 MiB"):
        initrd.files([initrd.pack({"config.ign": bytes(71 << 20)})])
    assert initrd.files([initrd.pack({"other": bytes(71 << 20), "config.ign": b"x"})], only=("config.ign",)) == {"config.ign": b"x"}


@pytest.mark.parametrize(("head", "name"), [(b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")])
def test_other_compressions_are_named(head: bytes, name: str) -> None:
    with pytest.raises(DeliveryError, match=f"compressed by {name}"):
        initrd.files([head + bytes(100)])
