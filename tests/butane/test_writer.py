"""The writer of output files: whole or not at all, modes and links kept, in place where nothing can be put there, never onto an input."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from butane_py.files import identity, write_output, write_pieces

ROOT = Path(__file__).parents[2]
GOOD = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/one\n      contents: {inline: hi}\n"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PROGRAM = [sys.executable, "-c", "from butane_py.cli.main import run; run()"]
OLD, NEW = b"what was there before\n", b"what is new, and longer than what was there before\n"
NOBODY = 65534


def butane(*argv: str, text: str = GOOD, cwd: Path = ROOT, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *argv], input=text, capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, check=False, **more
    )  # type: ignore[call-overload,no-any-return]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
@pytest.mark.parametrize("sync", [True, False])
def test_mode_of_an_existing_file_is_kept(mode: int, sync: bool, tmp_path: Path) -> None:
    target = tmp_path / "a.ign"
    target.write_bytes(OLD)
    target.chmod(mode)
    assert write_output(str(target), NEW, sync=sync, changed_only=not sync)
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (NEW, mode)
    assert names(tmp_path) == ["a.ign"]


def test_private_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.ign"
    for data, before in ((NEW, None), (OLD, 0o644), (OLD, 0o664)):  # made, written anew, the same already
        if before is not None:
            target.chmod(before)
        assert write_output(str(target), data, private=True, changed_only=True)
        assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (data, 0o600)
    assert not write_output(str(target), OLD, private=True, changed_only=True)


def test_what_is_the_same_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.ign"
    assert write_output(str(target), NEW, changed_only=True)
    before = target.stat()
    assert not write_output(str(target), NEW, changed_only=True)
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_links_are_followed(tmp_path: Path) -> None:
    """Relative, through a folder, to a file that is not there yet."""
    (tmp_path / "real").mkdir()
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "link").symlink_to("folder/missing.ign")
    for data in (OLD, NEW):
        assert write_output(str(tmp_path / "link"), data, changed_only=True)
        assert (tmp_path / "real" / "missing.ign").read_bytes() == data
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "real") == ["missing.ign"]


@pytest.mark.parametrize("link", ["", "hard", "symbolic"])
def test_never_onto_an_input(link: str, tmp_path: Path) -> None:
    source = target = tmp_path / "a.bu"
    source.write_bytes(OLD)
    if link:
        target = tmp_path / "b.bu"
        target.hardlink_to(source) if link == "hard" else target.symlink_to(source)
    with pytest.raises(OSError, match="is read to make it"):
        write_output(str(target), NEW, inputs={identity(str(source))})
    assert source.read_bytes() == OLD


@pytest.mark.parametrize(
    ("held", "refused"), [(b"", False), (b"# Made\nkind: old\n", False), (b"kind: mine\n", True), (b"# Mad", True)]
)
def test_only_what_begins_with_the_header_is_overwritten(held: bytes, refused: bool, tmp_path: Path) -> None:
    target = tmp_path / "a.yaml"
    target.write_bytes(held)
    if refused:
        with pytest.raises(OSError, match="does not begin with"):
            write_output(str(target), NEW, header=b"# Made")
        assert target.read_bytes() == held
    else:
        assert write_output(str(target), NEW, header=b"# Made")


@pytest.mark.parametrize("number", range(3))
def test_names_of_descriptors(number: int, tmp_path: Path) -> None:
    """Written to where the descriptor stands; opened by its name, a file would begin anew."""
    with open(tmp_path / "log", "wb") as log:
        log.write(b"head\n")
        log.flush()
        name = [f"/dev/fd/{log.fileno()}", f"/proc/self/fd/{log.fileno()}", str(tmp_path / "link")][number]
        (tmp_path / "link").symlink_to(f"/dev/fd/{log.fileno()}")
        assert write_output(name, NEW)
    assert (tmp_path / "log").read_bytes() == b"head\n" + NEW


def test_pipes_are_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert write_output(str(tmp_path / "pipe"), NEW)
    assert os.read(reader, 1000) == NEW
    os.close(reader)


@pytest.mark.parametrize("path", ["missing/a.ign", "file/a.ign", "loop", "."])
def test_errors_name_the_file_that_was_asked_for(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "loop").symlink_to("loop")
    target = str(tmp_path / path)
    with pytest.raises(OSError) as caught:  # of several kinds
        write_output(target, NEW)
    assert (caught.value.filename, caught.value.filename2) == (target, None)
    assert ".tmp" not in str(caught.value)
    assert names(tmp_path) == ["file", "loop"]


def test_names_as_long_as_names_can_be(tmp_path: Path) -> None:
    for target in (tmp_path / ("x" * 255), tmp_path / ("\u00e9" * 127)):
        for data in (OLD, NEW):
            assert write_output(str(target), data)
            assert target.read_bytes() == data


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB with a file `old` in it."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", folder], check=True)
    (folder / "old").write_bytes(OLD)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("in_place", [False, True])
def test_full_disk(small_disk: Path, tmp_path: Path, in_place: bool) -> None:
    """The message names the target, and the old file is intact, also where it is written in place."""
    target = small_disk / "old"
    if in_place:
        target = tmp_path / "mounted"
        target.write_bytes(b"")
        subprocess.run(["mount", "--bind", small_disk / "old", target], check=True)
    try:
        big = GOOD + "".join(f"    - {{path: /etc/a{i}}}\n" for i in range(1500))
        ran = butane("-o", str(target), text=big)
        assert ran.returncode == 1
        assert f"{target}: No space left on device; make room there, or write somewhere else\n" in ran.stderr
        assert target.read_bytes() == OLD
        assert names(small_disk) == ["old"]
    finally:
        if in_place:
            subprocess.run(["umount", target], check=True)


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("where", ["file", "read-only folder"])
def test_mount_points(where: str, tmp_path: Path) -> None:
    """As `docker -v $PWD/x.ign:/x.ign` makes them, with and without --read-only."""
    (tmp_path / "outside").write_bytes(OLD)
    (tmp_path / "outside").chmod(0o640)
    folder = tmp_path / "container"
    folder.mkdir()
    target = folder / "x.ign"
    target.write_bytes(b"")
    script = f"mount --bind {tmp_path}/outside {target} && "
    if where != "file":
        script = f"mount --bind {folder} {folder} && {script}mount -o remount,ro,bind {folder} && "
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{script} exec "$@"', "sh", *PROGRAM, "-o", str(target)],
        input=GOOD, capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads((tmp_path / "outside").read_bytes())
    assert stat.S_IMODE((tmp_path / "outside").stat().st_mode) == 0o640
    assert names(folder) == ["x.ign"]


def as_nobody(action: str) -> subprocess.CompletedProcess[str]:
    code = f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom butane_py.files import write_output\nos.setgid({NOBODY}); os.setuid({NOBODY})\n{action}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody can reach."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        os.chmod(folder, stat.S_IMODE(folder.stat().st_mode) | 0o011)
    (tmp_path / "shared").mkdir()
    yield tmp_path / "shared"


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("mode", [0o1777, 0o755, 0o777])
def test_another_user_s_file_that_may_be_written(mode: int, shared: Path) -> None:
    """In a sticky folder, in one that may not be written, and in one that may: the owner stays."""
    shared.chmod(mode)
    target = shared / "a.ign"
    target.write_bytes(OLD)
    target.chmod(0o666)
    ran = as_nobody(f"write_output({str(target)!r}, {NEW!r})")
    assert ran.returncode == 0, ran.stderr
    status = target.stat()
    assert (target.read_bytes(), status.st_uid, stat.S_IMODE(status.st_mode)) == (NEW, 0, 0o666)
    assert names(shared) == ["a.ign"]


@pytest.mark.root
@pytest.mark.subprocess
def test_root_leaves_a_file_to_its_owner(shared: Path) -> None:
    target = shared / "a.ign"
    target.write_bytes(OLD)
    os.chown(target, NOBODY, NOBODY)
    write_output(str(target), NEW)
    assert (target.stat().st_uid, target.stat().st_gid, target.read_bytes()) == (NOBODY, NOBODY, NEW)


@pytest.mark.root
@pytest.mark.subprocess
def test_private_in_place_needs_the_owner(shared: Path) -> None:
    """What others could read is not written where the mode cannot be changed."""
    target = shared / "a.ign"
    target.write_bytes(OLD)
    target.chmod(0o666)
    ran = as_nobody(f"write_output({str(target)!r}, {NEW!r}, private=True)")
    assert "PermissionError" in ran.stderr
    assert target.read_bytes() == OLD


@pytest.mark.root
@pytest.mark.subprocess
def test_killed_runs_in_containers_are_in_nobody_s_way(tmp_path: Path) -> None:
    """Every process is number 1 of its container: names made of numbers would meet again."""
    code = (
        "import os, signal, sys\nsys.path.insert(0, %r)\nfrom butane_py import files\n"
        "assert os.getpid() == 1\n"
        "files.os.rename = lambda *names: os.write(1, b'written\\n') and signal.pause()\n"
        "files.write_output(%r, b'half')" % (str(ROOT), str(tmp_path / "k.ign"))
    )
    for _ in range(3):
        with subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", code], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"written\n"
            process.send_signal(signal.SIGKILL)
    end = time.monotonic() + 120
    while len(names(tmp_path)) < 3:
        assert time.monotonic() < end
    ran = subprocess.run(
        ["unshare", "--pid", "--fork", *PROGRAM, "-o", "k.ign"],
        input=GOOD, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads((tmp_path / "k.ign").read_bytes())


# Pieces: what is too large to be held in memory


def test_pieces_are_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a.iso"
    write_pieces(str(target), iter((OLD, b"", NEW)))
    assert target.read_bytes() == OLD + NEW
    target.chmod(0o640)
    write_pieces(str(target), (NEW,))
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (NEW, 0o640)
    write_pieces(str(target), (NEW,), private=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(tmp_path) == ["a.iso"]


def test_pieces_that_break_off_leave_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.iso"
    target.write_bytes(OLD)

    def broken() -> Iterator[bytes]:
        yield NEW
        raise OSError(5, "Input/output error", "source")

    with pytest.raises(OSError, match="Input/output error"):
        write_pieces(str(target), broken())
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["a.iso"]


def test_pieces_never_replace_what_they_are_read_from(tmp_path: Path) -> None:
    target, link = tmp_path / "a.iso", tmp_path / "b.iso"
    target.write_bytes(OLD)
    link.symlink_to("a.iso")
    for path in (target, link):
        with pytest.raises(OSError, match="would be lost"):
            write_pieces(str(path), (NEW,), inputs={identity(str(target))})
    assert target.read_bytes() == OLD


def test_pieces_go_to_pipes_and_through_links(tmp_path: Path) -> None:
    target, link = tmp_path / "a.iso", tmp_path / "b.iso"
    target.write_bytes(OLD)
    link.symlink_to("a.iso")
    write_pieces(str(link), (NEW,))
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    read, write = os.pipe()
    write_pieces(f"/dev/fd/{write}", (b"1", b"2"))
    os.close(write)
    assert os.read(read, 10) == b"12"
    os.close(read)
