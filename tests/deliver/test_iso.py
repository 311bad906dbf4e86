"""`butane-py iso`: images made by genisoimage and xorriso, read back by isoinfo, xz and cpio; damaged images end in a sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from butane_py.cli.main import main
from butane_py.deliver import initrd, iso
from butane_py.deliver.iso9660 import SECTOR
from butane_py.deliver.model import DeliveryError

CONFIG = b'{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core"}]}}'
AREA = 256 << 10
MAKERS = {"genisoimage": ["genisoimage", "-quiet"], "xorriso": ["xorriso", "-as", "mkisofs", "-quiet"]}


def make_image(folder: Path, maker: str = "genisoimage", *options: str, area: int = AREA, info: object = None) -> Path:
    """An image with a reserved area, and files before and behind it; in a folder with so many names that it takes several sectors."""
    tree = folder / "tree"
    (tree / "images").mkdir(parents=True)
    (tree / "isolinux").mkdir()
    (tree / "images/ignition.img").write_bytes(bytes(area))
    for number in range(150):
        (tree / f"images/{number}.dat").write_bytes(b"data %d" % number)
    if info is not None:
        (tree / "coreos").mkdir()
        (tree / "coreos/igninfo.json").write_text(info if isinstance(info, str) else json.dumps(info))
    path = folder / "live.iso"
    subprocess.run([*MAKERS[maker], *options, "-V", "live", "-o", str(path), str(tree)], check=True, capture_output=True)
    shutil.rmtree(tree)
    return path


@pytest.fixture(name="image")
def _image(tmp_path: Path) -> Path:
    return make_image(tmp_path)


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> str:
    path = tmp_path / "config.ign"
    path.write_bytes(CONFIG)
    return str(path)


def run(*words: object) -> int:
    return main(["butane-py", "iso", *map(str, words)])


def outside(data: bytes, area: iso.Area) -> bytes:
    return data[: area.offset] + data[area.offset + area.length :]


@pytest.mark.subprocess
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("options", [(), ("-r", "-J"), ("-iso-level", "3")], ids=["plain", "rock ridge, joliet", "level 3"])
def test_embed_and_remove(tmp_path: Path, config: str, maker: str, options: tuple[str, ...], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    image = make_image(tmp_path, maker, *options, info={"file": "images/ignition.img"})
    before = image.read_bytes()
    with image.open("rb") as file:
        area = iso.find(file)
    assert area.length == AREA
    assert run("show", image) == 1
    assert run("embed", image, "--config", config) == 0
    after = image.read_bytes()
    assert outside(after, area) == outside(before, area)
    assert len(after) == len(before)
    listed = subprocess.run(["isoinfo", "-f", "-i", image], check=True, capture_output=True, text=True).stdout
    name = next(line for line in listed.splitlines() if "IGNITION.IMG" in line)
    held = subprocess.run(["isoinfo", "-i", image, "-x", name], check=True, capture_output=True).stdout
    archive = held.rstrip(b"\0")
    assert len(held) == AREA
    (tmp_path / "a.xz").write_bytes(archive)
    verbose = subprocess.run(["xz", "--list", "--robot", "-vv", tmp_path / "a.xz"], check=True, capture_output=True).stdout
    assert b"CRC32" in verbose
    (tmp_path / "unpacked").mkdir()
    cpio = subprocess.run(["xz", "-dc", tmp_path / "a.xz"], check=True, capture_output=True).stdout
    subprocess.run(["cpio", "--quiet", "-idm"], input=cpio, cwd=tmp_path / "unpacked", check=True)
    assert os.listdir(tmp_path / "unpacked") == ["config.ign"]
    assert (tmp_path / "unpacked/config.ign").read_bytes() == CONFIG
    assert (tmp_path / "unpacked/config.ign").stat().st_mode & 0o7777 == 0o600
    capfdbinary.readouterr()
    assert run("show", image) == 0
    assert capfdbinary.readouterr().out == CONFIG
    assert run("remove", image) == 0
    assert image.read_bytes() == before


@pytest.mark.subprocess
def test_a_copy_leaves_the_image(tmp_path: Path, image: Path, config: str) -> None:
    before, copy = image.read_bytes(), tmp_path / "copy.iso"
    os.chmod(config, 0o600)
    assert run("embed", image, "-i", config, "-o", copy) == 0
    assert image.read_bytes() == before
    assert copy.stat().st_mode & 0o777 == 0o600  # as the config's own file
    assert run("embed", image, "-i", config) == 0
    assert image.read_bytes() == copy.read_bytes()
    assert run("remove", copy, "-o", copy) == 1  # onto what is read
    assert run("remove", copy, "-o", tmp_path / "third.iso") == 0
    assert (tmp_path / "third.iso").read_bytes() == before


@pytest.mark.subprocess
def test_a_config_that_is_there_takes_force(image: Path, config: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("embed", image, "-i", config) == 0
    held = image.read_bytes()
    assert run("embed", image, "-i", config) == 1
    assert "has a config already. --force replaces it" in capfd.readouterr().err
    assert run("embed", "--force", image, "-i", config) == 0
    assert image.read_bytes() == held


@pytest.mark.subprocess
def test_network_settings_stay(tmp_path: Path, config: str) -> None:
    image = make_image(tmp_path)
    network = {"etc/coreos-firstboot-network/eth0.nmconnection": b"[connection]\n"}
    with image.open("r+b") as file:
        area = iso.find(file)
        file.seek(area.offset)
        file.write(iso.filled(network, area))
    before = image.read_bytes()
    assert run("embed", image, "-i", config) == 0
    with image.open("rb") as file:
        assert iso.read(file, area) == {**network, "config.ign": CONFIG}
    assert run("remove", image) == 0
    assert image.read_bytes() == before


@pytest.mark.subprocess
def test_igninfo_names_a_part_of_a_file(tmp_path: Path, config: str) -> None:
    image = make_image(tmp_path, info={"file": "images/ignition.img", "offset": 4096, "length": 8192})
    before = image.read_bytes()
    with image.open("rb") as file:
        area = iso.find(file)
    assert run("embed", image, "-i", config) == 0
    assert outside(image.read_bytes(), area) == outside(before, area)
    assert area.length == 8192
    assert before[area.offset - 4096 : area.offset + area.length] == bytes(4096 + 8192)


@pytest.mark.subprocess
@pytest.mark.parametrize(
    "info",
    [
        "", "[]", "{", "{}", '{"file": 1}', '{"file": "images/ignition.img", "offset": "1"}', '{"file": "images/ignition.img", "offset": true}',
        {"file": "images/none.img"}, {"file": "images"}, {"file": "images/ignition.img/x"}, {"file": "../../etc/passwd"}, {"file": ""},
        {"file": "images/ignition.img", "offset": -1}, {"file": "images/ignition.img", "offset": AREA},
        {"file": "images/ignition.img", "length": AREA + 1}, {"file": "images/ignition.img", "length": 0},
        {"file": "images/ignition.img", "offset": 1, "length": AREA}, {"file": "images/ignition.img", "length": 1 << 70},
        " " * (65 << 10),
    ],
)  # fmt: skip
def test_an_igninfo_that_is_wrong(tmp_path: Path, config: str, info: object, capfd: pytest.CaptureFixture[str]) -> None:
    image = make_image(tmp_path, info=info)
    before = image.read_bytes()
    assert run("embed", image, "-i", config) == 1
    assert capfd.readouterr().err.startswith("butane-py iso embed: ")
    assert image.read_bytes() == before


@pytest.mark.subprocess
def test_what_does_not_fit(tmp_path: Path, config: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Exactly as many bytes as the area has fit, one more does not; the image stays as it is."""
    size = len(initrd.wrap(CONFIG))
    assert size % 4 == 0  # so an area of that size can be made
    area = iso.Area(0, size)
    assert iso.filled({"config.ign": CONFIG}, area) == initrd.wrap(CONFIG)
    with pytest.raises(DeliveryError):
        iso.filled({"config.ign": CONFIG}, area.but(length=size - 1))
    image = make_image(tmp_path)
    before = image.read_bytes()
    noise = random.Random(1).randbytes(AREA).hex()
    Path(config).write_text(json.dumps({"ignition": {"version": "3.4.0"}, "x": noise * 2}))
    assert run("embed", image, "-i", config) == 1
    assert "bytes compressed, and the reserved area has 262,144" in capfd.readouterr().err
    assert image.read_bytes() == before


@pytest.mark.subprocess
def test_images_without_an_area(tmp_path: Path, config: str, capfd: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "images").write_text("a file")
    path = tmp_path / "other.iso"
    subprocess.run([*MAKERS["genisoimage"], "-o", path, tree], check=True, capture_output=True)
    assert run("embed", path, "-i", config) == 1
    assert "the image has no reserved area for a config (/images/ignition.img)" in capfd.readouterr().err
    assert run("embed", config, "-i", config) == 1
    assert "this is not an ISO 9660 image" in capfd.readouterr().err
    assert run("show", tmp_path / "none.iso") == 1
    assert "No such file" in capfd.readouterr().err
    assert run("show", tmp_path) == 1


@pytest.mark.subprocess
def test_only_ignition_configs(tmp_path: Path, image: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for text in ("variant: fcos\n", "", "[]", "{}", '"ignition"'):
        (tmp_path / "x.bu").write_text(text)
        assert run("embed", image, "-i", tmp_path / "x.bu") == 1
        assert "x.bu is not an Ignition config. Compile Butane first" in capfd.readouterr().err


# Damaged images


def opened(path: Path) -> str:
    """What is said of an image; "" where its area can be read."""
    with path.open("rb") as file:
        try:
            iso.read(file, iso.find(file))
        except DeliveryError as error:
            return str(error)
    return ""


@pytest.mark.subprocess
def test_a_directory_that_contains_itself(tmp_path: Path, image: Path) -> None:
    """The record of images/ leads to the root: the path is as long as it is, so nothing goes round."""
    data = bytearray(image.read_bytes())
    root = struct.unpack_from("<I", data, 16 * SECTOR + 156 + 2)[0]
    place = data.index(b"IMAGES", root * SECTOR) - 33
    struct.pack_into("<I", data, place + 2, root)
    image.write_bytes(data)
    assert "no reserved area" in opened(image)


@pytest.mark.subprocess
@pytest.mark.parametrize(("offset", "value"), [(2, 1 << 31), (2, 0), (10, 0xFFFFFFFF), (10, 5 << 20), (10, 0)])
def test_a_root_directory_elsewhere(image: Path, offset: int, value: int) -> None:
    data = bytearray(image.read_bytes())
    struct.pack_into("<I", data, 16 * SECTOR + 156 + offset, value)
    image.write_bytes(data)
    assert opened(image)


@pytest.mark.subprocess
def test_an_image_that_is_cut_off(image: Path) -> None:
    whole = image.read_bytes()
    with image.open("rb") as file:
        area = iso.find(file)
    image.write_bytes(whole[: area.offset + area.length - 1])
    assert "it is damaged or cut off" in opened(image)
    for size in (0, 1, 16 * SECTOR, 17 * SECTOR, 20 * SECTOR, 24 * SECTOR):
        image.write_bytes(whole[:size])
        assert opened(image)


@pytest.mark.subprocess
def test_bytes_that_are_changed(image: Path) -> None:
    """Whatever stands in descriptors and directories, the result is an area inside of the image or a sentence."""
    whole = image.read_bytes()
    source = random.Random(7)
    head = 40 * SECTOR
    said = set()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(source.randint(1, 30)):
            data[source.randrange(16 * SECTOR, head)] = source.choice((0, 1, 34, 255, source.randrange(256)))
        image.write_bytes(data)
        said.add(opened(image)[:20])
    assert len(said) > 1


@pytest.mark.subprocess
@pytest.mark.parametrize("held", [b"x" * 100, initrd.wrap(CONFIG)[:-8], initrd.wrap(CONFIG)[:40] + b"\xff" * 20, b"070701" + b"f" * 104, b"\x28\xb5\x2f\xfd"])
def test_an_area_with_something_else(image: Path, held: bytes, config: str) -> None:
    with image.open("r+b") as file:
        area = iso.find(file)
        file.seek(area.offset)
        file.write(held)
    before = image.read_bytes()
    assert opened(image)
    assert run("embed", "--force", image, "-i", config) == 1
    assert image.read_bytes() == before
