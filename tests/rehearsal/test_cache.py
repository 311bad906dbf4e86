"""cache.py: one machine at a time, without a name that somebody else could have taken."""

from __future__ import annotations

import stat
import subprocess
import threading
from pathlib import Path

import pytest

from ignition_py.rehearsal.cache import cache_directory, cached, locked, machine_lock


def test_the_lock_of_a_machine_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VM_LOCK", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert machine_lock().startswith(f"{cache_directory()}/")
    assert cache_directory().startswith(str(tmp_path))
    monkeypatch.setenv("VM_LOCK", "/elsewhere")
    assert machine_lock() == "/elsewhere"


def test_a_lock_is_no_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "lock"
    link.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"), locked(str(link)):
        pass
    assert not target.exists()
    with locked(str(tmp_path / "own")):
        assert stat.S_ISREG((tmp_path / "own").stat().st_mode)


def test_somebody_who_waits_is_told(tmp_path: Path) -> None:
    told = threading.Event()
    with locked(str(tmp_path / "lock")):
        other = threading.Thread(target=_take, args=(str(tmp_path / "lock"), told))
        other.start()
        assert told.wait(30)
    other.join(30)
    assert not other.is_alive()


def _take(path: str, told: threading.Event) -> None:
    with locked(path, told.set):
        pass


@pytest.mark.root
@pytest.mark.subprocess
def test_what_is_mounted_below_a_broken_build_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A build that was killed may have left the machine's own /dev mounted in its tree."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mine, place = tmp_path / "mine", Path(cache_directory()) / "tree-key.partial" / "dev"
    mine.mkdir()
    (mine / "precious").write_text("x")
    place.mkdir(parents=True)
    subprocess.run(["mount", "--bind", mine, place], check=True)
    try:
        with pytest.raises(OSError, match="umount --recursive"):
            cached("tree", "key", lambda path: None, "a tree")
        assert (mine / "precious").exists()
    finally:
        subprocess.run(["umount", place], check=True)
    assert cached("tree", "key", lambda path: Path(path).mkdir(), "a tree").endswith("tree-key")
