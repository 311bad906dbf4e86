"""entries.py and the choice of a filesystem in bootfs.py: pure functions, exhaustive tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ignition_py.stages.kargs import bootfs
from ignition_py.stages.kargs.bootfs import ESP, XBOOTLDR, Device
from ignition_py.stages.kargs.entries import Change, boots_linux, edited, options, split

ENTRY = "title A\nlinux /vmlinuz\n# options commented\ninitrd /i\noptions root=UUID=1 rw quiet\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  \n", []),
        ("a b=c\td", ["a", "b=c", "d"]),
        ('a="x y" b', ['a="x y"', "b"]),
        ('"a b"=c d', ['"a b"=c', "d"]),
        ('a="open b', ['a="open b']),
        ("$kernelopts x", ["$kernelopts", "x"]),
    ],
)
def test_split(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize(
    ("wanted", "unwanted", "line"),
    [
        (["quiet"], [], "options root=UUID=1 rw quiet"),
        (["a=1"], [], "options root=UUID=1 rw quiet a=1"),
        (["a=1", "b"], ["quiet"], "options root=UUID=1 rw a=1 b"),
        ([], ["qui"], "options root=UUID=1 rw quiet"),
        ([], ["rw quiet"], "options root=UUID=1"),
        (["rw quiet"], [], "options root=UUID=1 rw quiet"),
        (["quiet rw"], [], "options root=UUID=1 rw quiet quiet rw"),
        (['a="x y"'], [], 'options root=UUID=1 rw quiet a="x y"'),
        (["root"], ["root=UUID=2"], "options root=UUID=1 rw quiet root"),
    ],
)
def test_edited(wanted: list[str], unwanted: list[str], line: str) -> None:
    assert edited(ENTRY, Change(wanted, unwanted)) == ENTRY.replace("options root=UUID=1 rw quiet", line)


def test_several_lines_of_options_and_none() -> None:
    text = "linux /v\noptions a b\noptions   c\tb\n"
    assert edited(text, Change(["d"], ["b"])) == "linux /v\noptions a\noptions c d\n"
    assert edited(text, Change(["c"], [])) == text
    assert edited("linux /v", Change(["d"], [])) == "linux /v\noptions d\n"
    assert edited("linux /v\n", Change([], ["d"])) == "linux /v\n"
    assert edited("linux /v\noptions\nsort-key x\n", Change(["d"], [])) == "linux /v\noptions d\nsort-key x\n"


def test_which_entries_boot_a_kernel() -> None:
    assert boots_linux(ENTRY)
    assert not boots_linux("title Memory test\nefi /memtest.efi\n# linux x\n")
    assert not boots_linux("")


_WORD = st.sampled_from(["a", "b", "a=1", 'q="x y"', "c"])


@given(st.lists(st.lists(_WORD), max_size=3), st.lists(_WORD), st.lists(_WORD))
def test_what_is_edited_is_as_wanted_and_stays(lines: list[list[str]], wanted: list[str], unwanted: list[str]) -> None:
    change = Change([w for w in wanted if w not in unwanted], unwanted)
    text = "linux /v\n" + "".join(f"options {' '.join(words)}\n" for words in lines) + "initrd /i\n"
    new = edited(text, change)
    assert change.fulfilled(options(new))
    assert edited(new, change) == new
    kept = [word for word in split(options(text)) if word not in unwanted]
    assert split(options(new))[: len(kept)] == kept or change.fulfilled(options(text))
    assert new.startswith("linux /v\n")
    assert "initrd /i\n" in new


def device(name: str, disk: str = "vda", **properties: str) -> Device:
    return Device(f"/dev/{name}", disk, {"ID_FS_TYPE": "vfat", **properties})


ESP_A = device("vda1", ID_PART_ENTRY_TYPE=ESP, ID_PART_ENTRY_UUID="AAAA")
BOOT_A = device("vda2", ID_FS_LABEL="boot")
XBOOT_A = device("vda3", ID_PART_ENTRY_TYPE=XBOOTLDR)
ESP_B = device("vdb1", "vdb", ID_PART_ENTRY_TYPE=ESP, ID_PART_ENTRY_UUID="bbbb")


@pytest.mark.parametrize(
    ("devices", "line", "loader", "nodes"),
    [
        ([], "", "", []),
        ([ESP_A, BOOT_A, XBOOT_A], "root=/dev/vda4", "", ["vda3", "vda2", "vda1", "vda4"]),
        ([ESP_A, ESP_B], "", "bbbb", ["vdb1"]),
        ([ESP_A, ESP_B, BOOT_A], "", "aaaa", ["vda2", "vda1"]),
        ([ESP_A], "", "cccc", ["vda1"]),
        ([device("vda1", ID_PART_ENTRY_TYPE=XBOOTLDR, ID_FS_LABEL="boot")], "root=/dev/vda1", "", ["vda1"]),
        ([device("vda1", ID_FS_TYPE="", ID_PART_ENTRY_TYPE=ESP)], "root=../x", "", []),
        ([], "root=tmpfs ro", "", []),
    ],
)
def test_where_entries_are_looked_for(devices: list[Device], line: str, loader: str, nodes: list[str]) -> None:
    found = bootfs.places(devices, line, loader)
    assert [place.node.removeprefix("/dev/") for place in found] == nodes
    assert not any(place.rivals for place in found)


def test_two_that_are_as_good_as_each_other() -> None:
    found = bootfs.places([BOOT_A, ESP_A, ESP_B], "", "")
    assert [(place.node, place.rivals) for place in found] == [("/dev/vda2", ()), ("/dev/vda1", ("/dev/vda1", "/dev/vdb1"))]


@pytest.mark.parametrize("root", ["UUID=1-2", 'UUID="1-2"', "LABEL=1-2", "PARTUUID=1-2", "PARTLABEL=1-2"])
def test_root_by_tag(root: str) -> None:
    (place,) = bootfs.places([], f"root={root} rootflags=subvol=@", "")
    assert place.node == f"/dev/disk/by-{root.partition('=')[0].lower()}/1-2"
    assert place.options == "subvol=@"


def test_scanning_what_udev_knows(tmp_path: Path) -> None:
    real = tmp_path / "devices/vda/vda1"
    real.mkdir(parents=True)
    (real / "dev").write_text("254:1\n")
    (real / "partition").write_text("1\n")
    (tmp_path / "class").mkdir()
    (tmp_path / "class/vda1").symlink_to(real)
    (tmp_path / "udev").mkdir()
    (tmp_path / "udev/b254:1").write_text(f"S:disk/by-label/x\nE:ID_FS_TYPE=ext4\nE:ID_FS_LABEL=a=b\nE:ID_PART_ENTRY_TYPE={ESP}\n")
    (found,) = bootfs.scan(str(tmp_path / "class"), str(tmp_path / "udev"))
    assert (found.node, found.disk) == ("/dev/vda1", "vda")
    assert found.properties == {"ID_FS_LABEL": "a=b", "ID_PART_ENTRY_TYPE": ESP, "ID_FS_TYPE": "ext4"}


def test_the_loader_says_where_it_came_from(tmp_path: Path) -> None:
    variable = tmp_path / "variable"
    variable.write_bytes(b"\x06\0\0\0" + "C12A-FF\0".encode("utf-16-le"))
    assert bootfs.loader_partition(str(variable)) == "c12a-ff"
    assert bootfs.loader_partition(str(tmp_path / "none")) == ""
