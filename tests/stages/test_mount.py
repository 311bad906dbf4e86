"""mount and umount on real filesystems on loop devices, below a directory that stands for the new root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py import state
from ignition_py.context import Context
from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Config, Filesystem, Storage
from ignition_py.stages import mount, umount
from ignition_py.state import State
from ignition_py.system import host
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError
from tests.helpers.programs import only_programs_in

MIB = 1024 * 1024


def context(root: Path, *filesystems: Filesystem) -> Context:
    root.mkdir(exist_ok=True)
    fetcher: Any = None
    return Context(config=Config(storage=Storage(filesystems=filesystems)), root=str(root), log=Log(to_stdout=True), state=State(),
                   fetcher=fetcher)


def points(root: Path) -> list[str]:
    """The mount points below `root`, in the order of their mounts."""
    return [mount.target for mount in host.mounts() if mount.target.startswith(str(root))]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "sysroot"
    path.mkdir()
    yield path
    for point in reversed(points(path)):
        subprocess.run(["umount", point], check=True)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Makes a filesystem on a loop device: `device("ext4")` -> "/dev/loopN"."""
    made: list[str] = []

    def make(kind: str = "ext4", mib: int = 32) -> str:
        image = tmp_path / f"{len(made)}.img"
        with image.open("wb") as file:
            file.truncate(mib * MIB)
        argv = ["losetup", "--find", "--show", str(image)]
        node = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        made.append(node)
        subprocess.run([f"mkfs.{kind}", "-q", node], check=True)
        return node

    yield make
    for node in made:
        subprocess.run(["losetup", "--detach", node], check=True)


def test_order_is_by_depth_and_only_what_is_mounted() -> None:
    entries = [Filesystem(device=str(i), format=kind, path=path) for i, (kind, path) in enumerate([
        ("ext4", "/a/b/c"), ("swap", "/s"), ("none", "/n"), ("ext4", "/"), ("xfs", "/z/./y/"), ("ext4", None), (None, "/q"), ("ext4", "/b"),
        ("ext4", "/a"), ("ext4", ""), ("virtiofs", "/v"),
    ])]
    assert [entry.path for entry in mount.in_order(entries)] == ["/", "/b", "/a", "/v", "/z/./y/", "/a/b/c"]


@pytest.mark.parametrize(("path", "target"), [("/", "/sysroot"), ("/a//b/", "/sysroot/a/b"), ("/a/./../b", "/sysroot/b"), ("//../x", "/sysroot/x")])
def test_targets(path: str, target: str) -> None:
    assert mount.target_of("/sysroot", path) == target


@pytest.mark.root
@pytest.mark.subprocess
def test_nested_mounts_and_back(root: Path, device: Callable[..., str]) -> None:
    outer, inner = device(), device("xfs", 400)
    old_mask = os.umask(0o077)
    try:
        ctx = context(root, Filesystem(device=inner, format="xfs", path="/var/lib/data", mount_options=("noexec", "noatime")),
                      Filesystem(device=outer, format="ext4", path="/var"))
        mount.run(ctx)
    finally:
        os.umask(old_mask)
    found = [(mount.source, mount.target) for mount in host.mounts() if mount.target.startswith(str(root))]
    assert found == [(outer, f"{root}/var"), (inner, f"{root}/var/lib/data")]
    assert os.stat(root / "var" / "lib").st_mode & 0o7777 == 0o755
    assert os.statvfs(root / "var/lib/data").f_flag & os.ST_NOEXEC
    assert ctx.state.notated_directories == ["/var", "/var/lib", "/var/lib/data"]
    mount.run(ctx)  # again, as after a kill: nothing is mounted twice
    assert len(points(root)) == 2
    umount.run(ctx)
    assert not points(root)
    umount.run(ctx)


@pytest.mark.root
@pytest.mark.subprocess
def test_subvolumes_of_one_device(root: Path, device: Callable[..., str], tmp_path: Path) -> None:
    """btrfs: a device of two names, each with its subvolume; the second is mounted inside the first, and goes first."""
    node = device("btrfs", 128)
    link = tmp_path / "by-label"
    link.symlink_to(node)
    subprocess.run(["mount", node, root], check=True)
    for name in ("system", "home"):
        subprocess.run(["btrfs", "subvolume", "create", root / name], check=True, capture_output=True)
    (root / "system" / "mine").touch()
    (root / "home" / "yours").touch()
    subprocess.run(["umount", root], check=True)
    ctx = context(root, Filesystem(device=str(link), format="btrfs", path="/home", mount_options=("subvol=home", "noatime")),
                  Filesystem(device=node, format="btrfs", path="/", mount_options=("subvol=system",)))
    mount.run(ctx)
    assert (root / "mine").exists()
    assert (root / "home" / "yours").exists()
    mount.run(ctx)  # again: both are there already
    assert len(points(root)) == 2
    umount.run(ctx)
    assert not points(root)
    bad = context(root, *ctx.config.storage.filesystems,
                  Filesystem(device="/dev/none-such", format="btrfs", path="/home/deeper", mount_options=("subvol=none",)))
    with pytest.raises(CommandError, match=r"mounting /dev/none-such at /home/deeper"):
        mount.run(bad)
    assert not points(root)


@pytest.mark.root
@pytest.mark.subprocess
def test_what_the_initramfs_has_mounted_stays_mounted(root: Path, device: Callable[..., str], tmp_path: Path) -> None:
    """Its own mount of the same filesystem, also through a link; ours below it, and ours over another one, go."""
    oem, data, other, over = (device() for _ in range(4))
    link = tmp_path / "by-label-oem"
    link.symlink_to(oem)
    for node, path in ((oem, "usr/share/oem"), (other, "srv")):
        (root / path).mkdir(parents=True)
        subprocess.run(["mount", node, root / path], check=True)
    before = points(root)
    ctx = context(
        root,
        Filesystem(device=str(link), format="ext4", path="/usr/share//oem/"),
        Filesystem(device=data, format="ext4", path="/usr/share/oem/data"),
        Filesystem(device=over, format="ext4", path="/srv"),
    )
    mount.run(ctx)
    (root / "usr/share/oem/script").write_text("x")
    assert len(points(root)) == 4
    ctx.state = state.from_data(ctx.state.to_data())  # as the stages hand it on
    mount.run(ctx)
    umount.run(ctx)
    assert points(root) == before
    assert [each.source for each in host.mounts() if each.target == f"{root}/srv"] == [other]
    umount.run(ctx)
    assert points(root) == before


@pytest.mark.root
@pytest.mark.subprocess
def test_a_run_that_was_cut_off_leaves_no_mounts(root: Path, device: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the first mount: the second run finds that mount, and it is ours all the same."""
    one, two = device(), device()
    saved: list[dict[str, Any]] = []
    ctx = context(root, Filesystem(device=one, format="ext4", path="/a"), Filesystem(device=two, format="ext4", path="/b"))
    ctx.save_state = lambda: saved.append(ctx.state.to_data())
    real, calls = mount.run_program, 0

    def cut_off(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(mount, "_take_back", lambda *_: None)
    monkeypatch.setattr(mount, "run_program", cut_off)
    with pytest.raises(KeyboardInterrupt):
        mount.run(ctx)
    monkeypatch.undo()
    assert points(root) == [f"{root}/a"]
    (data,) = saved
    assert data["mountedBefore"] == {}
    again = context(root, *ctx.config.storage.filesystems)
    again.state = state.from_data(data)
    mount.run(again)
    umount.run(again)
    assert points(root) == []


@pytest.mark.root
@pytest.mark.subprocess
def test_one_that_is_busy_does_not_keep_the_others(root: Path, device: Callable[..., str]) -> None:
    one, two = device(), device()
    ctx = context(root, Filesystem(device=one, format="ext4", path="/a"), Filesystem(device=two, format="ext4", path="/b"))
    mount.run(ctx)
    for busy, free in (("a", "b"), ("b", "a")):
        mount.run(ctx)
        with open(root / busy / "open", "w"), pytest.raises(CommandError, match=f"unmounting .*/{busy}: "):
            umount.run(ctx)
        assert points(root) == [f"{root}/{busy}"], free
    umount.run(ctx)


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("bad", [{"mount_options": ("doesnotexist",)}, {"format": "xfs"}, {"device": "/dev/nosuchdevice"}])
def test_a_failure_takes_everything_back(root: Path, device: Callable[..., str], bad: dict[str, Any]) -> None:
    one, two = device(), device()
    (root / "there").mkdir()
    second = {"device": two, "format": "ext4", **bad}
    ctx = context(root, Filesystem(device=one, format="ext4", path="/there"), Filesystem(**second, path="/there/new/deep"))
    with pytest.raises(CommandError, match=r"mounting .* at /there/new/deep: mount failed"):
        mount.run(ctx)
    assert not points(root)
    assert os.listdir(root / "there") == []
    assert ctx.state.notated_directories == []
    subprocess.run(["mount", one, root / "there"], check=True)
    assert set(os.listdir(root / "there")) == {"lost+found"}


@pytest.mark.parametrize(("make", "words"), [
    (lambda root: (root / "a").symlink_to("/etc"), "/a is a symlink"), (lambda root: (root / "a").write_text(""), "/a is not a directory"),
    (lambda root: ((root / "a").mkdir(), (root / "a" / "b").symlink_to("..")), "/a/b is a symlink"),
    (lambda root: (root / "a").symlink_to("nowhere"), "/a is a symlink"),
])
def test_mount_points_do_not_lead_elsewhere(root: Path, make: Callable[[Path], object], words: str) -> None:
    make(root)
    with pytest.raises(StageError, match=words):
        mount.run(context(root, Filesystem(device="/dev/null", format="ext4", path="/a/b")))
    assert not os.path.exists("/etc/b")


CONTEXTS = """\
/.* system_u:object_r:default_t:s0
/new/deep(/.*)? system_u:object_r:deep_t:s0
"""


def install_policy(root: Path, config: str, kind: str = "targeted") -> None:
    (root / f"etc/selinux/{kind}/contexts/files").mkdir(parents=True)
    (root / f"etc/selinux/{kind}/contexts/files/file_contexts").write_text(CONTEXTS)
    (root / "etc/selinux/config").write_text(config)


def label(path: Path) -> str:
    try:
        return os.getxattr(path, "security.selinux").rstrip(b"\0").decode().split(":")[2]
    except OSError:
        return ""


@pytest.mark.root
@pytest.mark.subprocess
def test_labels_are_those_of_the_new_root(root: Path, device: Callable[..., str]) -> None:
    """The first directory that was missing with all below it, and a filesystem that nobody has used; not what was there."""
    install_policy(root, "# comment\nSELINUX=enforcing\n SELINUXTYPE=targeted\n")
    (root / "there").mkdir()
    used, unused = device(), device()
    subprocess.run(["mount", used, root / "there"], check=True)
    (root / "there/file").touch()
    subprocess.run(["umount", root / "there"], check=True)
    mount.run(context(root, Filesystem(device=unused, format="ext4", path="/new/deep"), Filesystem(device=used, format="ext4", path="/there")))
    paths = ("new", "new/deep", "new/deep/lost+found", "there", "there/file", "etc")
    assert {path: label(root / path) for path in paths} == {
        "new": "default_t", "new/deep": "deep_t", "new/deep/lost+found": "deep_t", "there": "", "there/file": "", "etc": "",
    }  # fmt: skip
    subprocess.run(["umount", root / "new/deep"], check=True)
    assert label(root / "new/deep") == "deep_t"


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize(
    "config",
    ["SELINUX=disabled\nSELINUXTYPE=targeted\n", "SELINUXTYPE=absent\n", "SELINUX=enforcing\nSELINUXTYPE=\xe4\n", "SELINUX=Disabled\n", None],
)
def test_images_without_selinux_are_mounted(root: Path, device: Callable[..., str], config: str | None) -> None:
    if config is not None:
        install_policy(root, "")
        (root / "etc/selinux/config").write_bytes(config.encode("latin-1"))
    mount.run(context(root, Filesystem(device=device(), format="ext4", path="/new/deep")))
    assert points(root) == [f"{root}/new/deep"]
    assert (label(root / "new"), label(root / "new/deep")) == ("", "")


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("kind", ["", "../../../etc", ".."])
def test_a_policy_that_is_no_name_is_refused(root: Path, device: Callable[..., str], kind: str) -> None:
    install_policy(root, f"SELINUXTYPE={kind}\n")
    with pytest.raises(StageError, match="no usable SELINUXTYPE"):
        mount.run(context(root, Filesystem(device=device(), format="ext4", path="/new")))
    assert not points(root)
    assert not (root / "new").exists()


@pytest.mark.root
@pytest.mark.subprocess
def test_no_setfiles_is_a_warning(
    root: Path, device: Callable[..., str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    node = device()
    install_policy(root, "SELINUXTYPE=targeted\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mount").symlink_to("/usr/bin/mount")
    only_programs_in(monkeypatch, tools)
    mount.run(context(root, Filesystem(device=node, format="ext4", path="/new")))
    monkeypatch.undo()
    assert "mount: /new left without SELinux labels: there is no setfiles" in capsys.readouterr().out


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("error", [OSError(5, "Input/output error", "/x"), KeyError("x"), KeyboardInterrupt()], ids=repr)
def test_whatever_fails_takes_everything_back(
    root: Path, device: Callable[..., str], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """After the second mount, whose directory cannot be listed."""
    one, two = device(), device()
    listed = os.listdir

    def fail(path: str) -> list[str]:
        if str(path).endswith("/b"):
            raise error
        return listed(path)

    monkeypatch.setattr(os, "listdir", fail)
    ctx = context(root, Filesystem(device=one, format="ext4", path="/a"), Filesystem(device=two, format="ext4", path="/a/b"))
    expected, words = (StageError, f"mounting {two} at /a/b.*: Input/output error: /x") if isinstance(error, OSError) else (type(error), None)
    with pytest.raises(expected, match=words):
        mount.run(ctx)
    monkeypatch.undo()
    assert not points(root)
    assert not (root / "a").exists()


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    ctx = context(tmp_path / "root", Filesystem(device="/dev/null", format="ext4", path="/a"))
    os.rmdir(tmp_path / "root")
    with pytest.raises(StageError, match="mounting /dev/null at /a: No such file or directory: ") as caught:
        mount.run(ctx)
    assert f"{tmp_path}/root" in str(caught.value)
    umount.run(ctx)


@pytest.mark.root
@pytest.mark.subprocess
@pytest.mark.parametrize("kind", ["symlink", "file", "missing"])
def test_unmounting_does_not_lead_elsewhere(root: Path, kind: str, device: Callable[..., str], tmp_path: Path) -> None:
    """A mount point whose parent has been replaced meanwhile."""
    node = device()
    outside = tmp_path / "outside/b"
    outside.mkdir(parents=True)
    subprocess.run(["mount", node, outside], check=True)
    try:
        if kind == "symlink":
            (root / "a").symlink_to(outside.parent)
        elif kind == "file":
            (root / "a").touch()
        ctx = context(root, Filesystem(device=node, format="ext4", path="/a/b"))
        if kind == "missing":
            umount.run(ctx)
        else:
            with pytest.raises(StageError, match=r"unmounting /a/b: /a is (a symlink|not a directory), and a mount point"):
                umount.run(ctx)
        assert os.path.ismount(outside)
    finally:
        subprocess.run(["umount", outside], check=True)
