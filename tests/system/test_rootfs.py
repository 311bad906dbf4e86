"""`Root` keeps every path below the new root, whatever the root is full of and whoever changes it meanwhile."""

from __future__ import annotations

import errno
import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ignition_py.system.removal import remove_at
from ignition_py.system.rootfs import Root, decode, encode, shown


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that holds the root and, beside it, something that must not change."""
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("untouched")
    return tmp_path


@pytest.fixture
def root(place: Path) -> Iterator[Root]:
    with Root(str(place / "root")) as root:
        yield root


def outside(place: Path) -> dict[str, str]:
    return {str(path): path.read_text() for path in (place / "outside").rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("links", "path", "expected"),
    [
        ({}, "/a/b", "/a/b"),
        ({}, "//a/./b/", "/a/b"),
        ({}, "/../../a", "/a"),
        ({"l": "/d"}, "/l/x", "/d/x"),
        ({"l": "d"}, "/l/x", "/d/x"),
        ({"l": "../../../d"}, "/l/x", "/d/x"),
        ({"l": "/../outside"}, "/l/precious", "/outside/precious"),
        ({"l": "m", "m": "/d"}, "/l/x", "/d/x"),
        ({"d/up": ".."}, "/d/up/x", "/x"),
        ({"d/up": "../.."}, "/d/up/x", "/x"),
        ({"d/up": "../d/up2", "d/up2": "."}, "/d/up/x", "/d/x"),
        ({"l": "/d"}, "/l", "/l"),
        ({"l": "/nowhere"}, "/l/x", "/nowhere/x"),
    ],
)
def test_locate(place: Path, root: Root, links: dict[str, str], path: str, expected: str) -> None:
    (place / "root" / "d").mkdir()
    for name, target in links.items():
        os.symlink(target, place / "root" / name)
    assert root.locate(path) == expected


def test_locate_takes_planned_directories_for_directories(place: Path, root: Root) -> None:
    (place / "root" / "file").write_text("")
    os.symlink("/elsewhere", place / "root" / "link")
    assert root.locate("/file/a", {"/file"}) == "/file/a"
    assert root.locate("/link/a/b", {"/link"}) == "/link/a/b"


def test_loop(place: Path, root: Root) -> None:
    os.symlink("b", place / "root" / "a")
    os.symlink("a", place / "root" / "b")
    with pytest.raises(OSError, match="/a/x") as caught:
        root.spot("/a/x")
    assert caught.value.errno == errno.ELOOP


def test_missing_directories_are_made_below_the_root_only(place: Path, root: Root) -> None:
    os.symlink("/../../outside/new", place / "root" / "l")
    made: list[str] = []
    root.created = made.append
    with root.spot("/l/a/b", create=True) as spot:
        assert spot.where == "/outside/new/a/b"
    assert made == ["/outside", "/outside/new", "/outside/new/a"]
    assert stat.S_IMODE((place / "root" / "outside").stat().st_mode) == 0o755
    assert not (place / "outside" / "new").exists()


def test_a_file_on_the_way(place: Path, root: Root) -> None:
    (place / "root" / "f").write_text("")
    for act in (lambda: root.spot("/f/x"), lambda: root.spot("/f/x", create=True), lambda: root.locate("/f/x/y")):
        with pytest.raises(NotADirectoryError, match="/f"):
            act()
    assert root.lstat("/f/x") is None


def test_follow(place: Path, root: Root) -> None:
    (place / "root" / "d").mkdir()
    (place / "root" / "d" / "f").write_text("text")
    os.symlink("/d/f", place / "root" / "l")
    os.symlink("/d", place / "root" / "ld")
    os.symlink("/gone", place / "root" / "lg")
    assert root.read("/l") == b"text"
    assert root.listdir("/ld") == ["f"]
    assert root.is_file("/l") and not root.is_file("/ld") and not root.is_file("/lg")
    with root.spot("/lg", follow=True) as spot:
        assert spot.where == "/gone" and spot.lstat() is None
    with root.spot("/ld", follow=True) as spot:
        assert spot.where == "/d"


@pytest.mark.parametrize("kind", ["fifo", "directory", "link", "socket"])
def test_only_regular_files_are_read(place: Path, root: Root, kind: str) -> None:
    """A pipe in the way neither hangs the stage nor is read."""
    path = place / "root" / "x"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    else:
        os.symlink("x", path)
    with pytest.raises(OSError):
        root.read("/x")


def test_limit_of_what_is_read(place: Path, root: Root) -> None:
    with open(place / "root" / "big", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="/big") as caught:
        root.read("/big", 1000)
    assert caught.value.errno == errno.EFBIG


@pytest.mark.parametrize("name", ["new\nline", "tab\t", "\udcff\udcfe", "ü", "-rf", "*", "a" * 255, "\x1b[31m"])
def test_any_name_that_a_filesystem_takes(place: Path, root: Root, name: str) -> None:
    with root.spot(f"/d/{name}", create=True) as spot:
        fd, temporary = spot.create_temporary()
        os.close(fd)
        spot.rename_from(temporary)
        assert spot.where == f"/d/{name}"
    assert os.listdir(os.fsencode(str(place / "root" / "d"))) == [encode(name)]
    assert root.listdir("/d") == [name]
    assert shown(name).isprintable() and "\n" not in shown(name)


@pytest.mark.parametrize("name", ["nul\0", "\ud800", "a" * 256])
def test_names_that_no_filesystem_takes(root: Root, name: str) -> None:
    with pytest.raises(OSError):
        root.spot(f"/{name}/x", create=True)


@given(st.binary(max_size=20).filter(lambda data: b"\0" not in data))
def test_encode_is_the_inverse_of_decode(data: bytes) -> None:
    assert encode(decode(data)) == data


@pytest.fixture(scope="module")
def maze(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A root full of links that lead around in it."""
    tree = str(tmp_path_factory.mktemp("maze"))
    os.makedirs(f"{tree}/a/b/a")
    os.makedirs(f"{tree}/b")
    for name, target in (("l1", "a/b"), ("l2", "/b/../l1"), ("a/up", "../.."), ("a/abs", "/a"), ("b/up", "../a/b/.."), ("abs", "/l2/a")):
        os.symlink(target, f"{tree}/{name}")
    return tree


def kernel_says(tree: str, path: str, follow: bool) -> str:
    """The inode at `path` in a chroot, or the error."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chroot(tree)
            os.chdir("/")
            os.write(writer, f"{os.stat(path, follow_symlinks=follow).st_ino}".encode())
        except OSError as error:
            os.write(writer, f"error {error.errno}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as file:
        answer = file.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.root
@settings(max_examples=300)
@given(st.lists(st.sampled_from(["a", "b", "..", "l1", "l2", "up", "abs"]), max_size=8), st.booleans())
def test_agrees_with_the_kernel(maze: str, parts: list[str], follow: bool) -> None:
    path = "/" + "/".join(parts)
    try:
        with Root(maze) as root, root.spot(path, follow=follow) as spot:
            found = spot.lstat()
            mine = f"error {errno.ENOENT}" if found is None else f"{found.st_ino}"
    except OSError as error:
        mine = f"error {error.errno}"
    assert mine == kernel_says(maze, path, follow)


def test_temporary_left_behind_is_replaced(place: Path, root: Root) -> None:
    with root.spot("/f") as spot:
        fd, name = spot.create_temporary()
        os.write(fd, b"half")
        os.close(fd)
        fd, again = spot.create_temporary()
        assert again == name and os.fstat(fd).st_size == 0 and stat.S_IMODE(os.fstat(fd).st_mode) == 0o600
        os.close(fd)


def test_temporary_is_never_somebody_elses_file(place: Path, root: Root) -> None:
    """A link planted at the temporary name is thrown away, not written through."""
    with root.spot("/f") as spot:
        fd, name = spot.create_temporary()
        os.close(fd)
        remove_at(spot.dir, name)
        os.symlink(str(place / "outside" / "precious"), name.decode(), dir_fd=os.open(place / "root", os.O_RDONLY))
        fd, _ = spot.create_temporary()
        os.write(fd, b"new")
        os.close(fd)
    assert outside(place) == {str(place / "outside" / "precious"): "untouched"}


def test_remove_does_not_follow(place: Path, root: Root) -> None:
    (place / "root" / "t" / "deep").mkdir(parents=True)
    os.symlink(place / "outside", place / "root" / "t" / "deep" / "link")
    with root.spot("/t") as spot:
        spot.remove()
        spot.remove()  # nothing there is no error
    assert not (place / "root" / "t").exists()
    assert outside(place) == {str(place / "outside" / "precious"): "untouched"}


def test_remove_a_very_deep_tree(place: Path, root: Root) -> None:
    """Deeper than there are descriptors, and longer than a path may be."""
    here = os.open(place / "root", os.O_RDONLY)
    for name in ("t", *(["d" * 20] * 3000)):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    with root.spot("/t") as spot:
        spot.remove()
    assert os.listdir(place / "root") == []


@pytest.mark.root
@pytest.mark.subprocess
def test_remove_refuses_a_mounted_filesystem(place: Path, root: Root) -> None:
    (place / "root" / "t" / "mnt").mkdir(parents=True)
    os.system(f"mount --bind {place / 'outside'} {place / 'root' / 't' / 'mnt'}")
    try:
        with root.spot("/t") as spot, pytest.raises(OSError, match="mounted") as caught:
            spot.remove()
        assert caught.value.errno == errno.EBUSY
        with root.spot("/t/mnt") as spot, pytest.raises(OSError, match="mounted"):
            spot.remove()
    finally:
        os.system(f"umount {place / 'root' / 't' / 'mnt'}")
    assert outside(place) == {str(place / "outside" / "precious"): "untouched"}


def test_the_root_itself_is_not_removed(root: Root) -> None:
    with root.spot("/") as spot, pytest.raises(OSError):
        spot.remove()


def test_symlink_and_hardlink_replace_in_one_step(place: Path, root: Root) -> None:
    (place / "root" / "f").write_text("f")
    (place / "root" / "g").write_text("g")
    with root.spot("/g") as spot, root.spot("/f") as target:
        spot.hardlink(target)
        spot.hardlink(target)
    assert (place / "root" / "g").stat().st_ino == (place / "root" / "f").stat().st_ino
    with root.spot("/g") as spot:
        spot.symlink("../../anywhere", -1, -1)
    assert os.readlink(place / "root" / "g") == "../../anywhere"
    assert sorted(os.listdir(place / "root")) == ["f", "g"]


@pytest.mark.slow
@pytest.mark.parametrize("trick", ["directory to link", "directory moved out"])
def test_race(place: Path, root: Root, trick: str) -> None:
    """Another process swaps a directory on the way against a link to outside, or moves it out, all the time."""
    (place / "root" / "a" / "b").mkdir(parents=True)
    os.symlink(place / "outside", place / "root" / "evil")
    os.symlink("../..", place / "root" / "a" / "b" / "up")
    child = os.fork()
    if child == 0:
        os.chdir(place / "root")
        while True:
            try:
                if trick == "directory to link":
                    os.rename("a", "hidden")
                    os.rename("evil", "a")
                    os.rename("a", "evil")
                    os.rename("hidden", "a")
                else:
                    os.rename("a/b", "../outside/b")
                    os.rename("../outside/b", "a/b")
            except OSError:
                os._exit(1)
    try:
        start = time.monotonic()
        written = 0
        while time.monotonic() < start + (2 if written > 20 else 120):  # on a busy machine it takes longer
            for path in ("/a/b/up/new", "/a/b/up/up/up/new", "/a/precious"):
                try:
                    with root.spot(path) as spot:
                        fd, name = spot.create_temporary()
                        os.write(fd, b"attack")
                        os.close(fd)
                        spot.rename_from(name)
                        written += 1
                except OSError:
                    continue
        assert written > 20
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert {path: text for path, text in outside(place).items() if "/b/" not in path} == {str(place / "outside" / "precious"): "untouched"}
    assert not (place / "new").exists()
