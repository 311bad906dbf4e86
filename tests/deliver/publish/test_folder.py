"""A folder as a store: what only files have. What all stores do, test_stores.py holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from butane_py.deliver.model import DeliveryError
from butane_py.deliver.publish.store import Refused, open_store

NAME = "0123456789abcdef.ign"


def test_files_and_their_modes(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "new"))
    assert store.write(NAME, b"{}")
    assert (tmp_path / "new" / NAME).read_bytes() == b"{}"
    private = open_store(str(tmp_path / "private"), private=True)
    private.write(f"publications/{NAME}", b"{}")
    assert stat.S_IMODE((tmp_path / "private" / "publications" / NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "private" / "publications").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", [NAME, f"publications/{NAME}"])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "store"
    outside.mkdir()
    folder.mkdir()
    (outside / NAME).write_bytes(b"old")
    if "/" in name:
        (folder / "publications").symlink_to(outside)
    else:
        (folder / NAME).symlink_to(outside / NAME)
    store = open_store(str(folder))
    for refused in (lambda: store.write(name, b"new"), lambda: store.read(name)):
        with pytest.raises(DeliveryError, match="is a symbolic link, and is not followed"):
            refused()
    assert (outside / NAME).read_bytes() == b"old"
    assert list(store.names()) == []


def test_a_link_to_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "made")
    with pytest.raises(DeliveryError, match="symbolic link"):
        open_store(str(tmp_path)).write(NAME, b"new")
    assert not (tmp_path / "made").exists()


def test_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    store = open_store(str(tmp_path))
    with pytest.raises(DeliveryError, match="is not a regular file"):
        store.write(NAME, b"x")
    assert list(store.names()) == []
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeliveryError, match="is not a folder"):
        open_store(str(tmp_path / "file"))


def test_other_contents_are_refused(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    assert store.write(NAME, b"a")
    assert not store.write(NAME, b"a")
    with pytest.raises(Refused, match="is there with other contents"):
        store.write(NAME, b"b")
    assert store.read(NAME) == b"a"


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from butane_py import files

    def full(_descriptor: int, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_all", full)
    with pytest.raises(DeliveryError, match="make room there"):
        open_store(str(tmp_path)).write(NAME, b"x" * 100)
    assert list(tmp_path.iterdir()) == []
