"""Files, directories and links on a real root: what is written, how, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import stat
import subprocess
import time
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.files.nodes.writer import Permissions, Writer
from ignition_py.system.rootfs import Root
from tests.stages.files.files_machine import Machine

pytestmark = [pytest.mark.root, pytest.mark.subprocess]


def data(text: str) -> dict[str, str]:
    return {"source": "data:," + urllib.parse.quote(text)}


def file(path: str, **fields: Any) -> dict[str, Any]:
    return {"files": [{"path": path, **fields}]}


def leftovers(machine: Machine) -> list[str]:
    return [path for path in machine.tree() if ".ignition-new" in path]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_default_modes_do_not_depend_on_the_umask(machine: Machine, mask: int) -> None:
    before = os.umask(mask)
    try:
        machine.run(storage={"files": [{"path": "/p/q/f", "contents": data("x")}], "directories": [{"path": "/d/e"}]})
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert [machine.mode(p) for p in ("/p", "/p/q", "/p/q/f", "/d", "/d/e")] == [0o755, 0o755, 0o644, 0o755, 0o755]


def test_special_mode_bits_survive_the_owner(machine: Machine) -> None:
    machine.run(storage=file("/f", mode=0o6755, user={"id": 7}, group={"id": 8}, contents=data("x")))
    assert machine.mode("/f") == 0o6755 and machine.owner("/f") == (7, 8)


def test_special_mode_bits_have_no_effect_before_3_6(machine: Machine) -> None:
    from ignition_py.spec.read import read

    config, _ = read(b'{"ignition":{"version":"3.5.0"},"storage":{"files":[{"path":"/f","mode":2541}]}}')
    machine.run(config)
    assert machine.mode("/f") == 0o755


def test_owner_by_name_is_looked_up_in_the_new_root(machine: Machine) -> None:
    os.makedirs(machine.path("/usr/lib"))
    machine.write("/usr/lib/passwd", "image:x:4321:4322::/:/bin/sh\nold:x:1:1::/:/bin/sh\n")
    machine.write("/usr/lib/group", "imagegroup:x:4323:\n")
    machine.run(storage={"files": [
        {"path": "/a", "user": {"name": "image"}, "group": {"name": "imagegroup"}},
        {"path": "/b", "user": {"name": "old"}, "group": {"name": "staff"}},
    ]})  # fmt: skip
    assert machine.owner("/a") == (4321, 4323)
    assert machine.owner("/b") == (1100, 50), "/etc wins over /usr/lib"


@pytest.mark.parametrize("who", [{"user": {"name": "daemon"}}, {"group": {"name": "nogroup-here"}}])
def test_unknown_owner(machine: Machine, who: dict[str, Any]) -> None:
    """Names of the machine that provisions (daemon is one) are not names of the new root."""
    with pytest.raises(StageError, match=r"file /f: there is no (user|group) .* in the new root") as caught:
        machine.run(storage=file("/f", contents=data("x"), **who))
    assert caught.value.place is not None and caught.value.place.path[:3] == ("storage", "files", 0)
    assert not os.path.exists(machine.path("/f"))


def test_contents_and_parts_are_one_file(machine: Machine) -> None:
    packed = urllib.parse.quote_from_bytes(gzip.compress(b"two"))
    machine.run(storage=file("/f", contents=data("one"), append=[{"source": f"data:,{packed}", "compression": "gzip"}, data("three")]))
    assert machine.read("/f") == "onetwothree"


def test_append_keeps_what_the_file_is(machine: Machine) -> None:
    machine.write("/f", "old", 0o640)
    os.chown(machine.path("/f"), 1100, 50)
    os.setxattr(machine.path("/f"), "trusted.label", b"kept")
    machine.run(storage=file("/f", append=[data("+new")]))
    assert machine.read("/f") == "old+new"
    assert machine.mode("/f") == 0o640 and machine.owner("/f") == (1100, 50)
    assert os.getxattr(machine.path("/f"), "trusted.label") == b"kept"


def tree_of(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Contents, owner, mode and time of change of everything below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        contents = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (contents, status.st_uid, status.st_gid, status.st_mode, status.st_mtime_ns)
    return found


@pytest.mark.parametrize("entry", [
    {"append": [data("+new")]},
    {"mode": 0o600},
    {"user": {"id": 7}},
    {"group": {"id": 8}, "mode": 0o4755},
    {"append": [data("+new")], "user": {"id": 7}, "mode": 0o600},
    {"contents": data("other"), "overwrite": True},
])  # fmt: skip
def test_a_hard_linked_tree_changes_at_its_own_paths_only(machine: Machine, tmp_path: Path, entry: dict[str, Any]) -> None:
    """An image below `cp -al`: the file becomes a copy, with its extended attributes."""
    machine.write("/etc/issue", "old")
    os.setxattr(machine.path("/etc/issue"), "user.colour", b"blue")
    os.chown(machine.path("/etc/issue"), 3, 4)
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-al", machine.path("/"), str(copy)], check=True)
    before = tree_of(copy)
    machine.run(storage=file("/etc/issue", **entry))
    assert tree_of(copy) == before
    status = os.stat(machine.path("/etc/issue"))
    contents = {"append": "old+new", "contents": "other"}
    assert machine.read("/etc/issue") == next((text for key, text in contents.items() if key in entry), "old")
    assert status.st_nlink == 1
    if "contents" not in entry:
        assert os.getxattr(machine.path("/etc/issue"), "user.colour") == b"blue"
        wanted = (entry.get("user", {}).get("id", 3), entry.get("group", {}).get("id", 4), entry.get("mode", 0o644))
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == wanted


def test_a_hard_linked_file_that_is_as_wanted_stays_one(machine: Machine) -> None:
    machine.write("/f", "old")
    os.chmod(machine.path("/f"), 0o640)
    os.link(machine.path("/f"), machine.path("/g"))
    machine.run(storage=file("/f", mode=0o640, user={"id": os.stat(machine.path("/f")).st_uid}))
    assert os.path.samefile(machine.path("/f"), machine.path("/g"))


def test_a_hard_link_of_the_config_follows_its_target(machine: Machine, tmp_path: Path) -> None:
    """It was there already, and its target becomes a copy."""
    machine.write("/f", "old")
    os.link(machine.path("/f"), machine.path("/g"))
    os.link(machine.path("/f"), tmp_path / "elsewhere")
    machine.run(storage={**file("/f", append=[data("+new")]), "links": [{"path": "/g", "target": "/f", "hard": True}]})
    assert machine.read("/g") == "old+new"
    assert os.path.samefile(machine.path("/f"), machine.path("/g"))
    assert (tmp_path / "elsewhere").read_text() == "old"


def test_append_does_not_show_under_other_names(machine: Machine) -> None:
    machine.write("/f", "old")
    os.link(machine.path("/f"), machine.path("/g"))
    machine.run(storage=file("/f", append=[data("+new")], mode=0o600))
    assert machine.read("/f") == "old+new" and machine.mode("/f") == 0o600
    assert machine.read("/g") == "old" and machine.mode("/g") == 0o644
    assert leftovers(machine) == []


def test_permissions_of_what_is_there(machine: Machine) -> None:
    machine.write("/f", "kept")
    machine.run(storage={"files": [{"path": "/f", "mode": 0o600, "user": {"id": 5}}], "directories": [{"path": "/etc", "mode": 0o700}]})
    assert machine.read("/f") == "kept" and machine.mode("/f") == 0o600 and machine.owner("/f") == (5, 0)
    assert machine.mode("/etc") == 0o700 and os.path.exists(machine.path("/etc/passwd"))


def test_new_nodes_in_a_setgid_directory_get_its_group(machine: Machine) -> None:
    os.mkdir(machine.path("/s"))
    os.chown(machine.path("/s"), 0, 50)
    os.chmod(machine.path("/s"), 0o2755)
    machine.run(storage={"files": [{"path": "/s/f"}, {"path": "/s/d2/f"}], "directories": [{"path": "/s/d"}]})
    assert machine.owner("/s/f") == (0, 50) and machine.owner("/s/d") == (0, 50)
    assert machine.mode("/s/d") == 0o2755 and machine.owner("/s/d2/f") == (0, 50)


@pytest.mark.parametrize("there", ["file", "directory", "link", "fifo", "device"])
@pytest.mark.parametrize("wanted", ["files", "directories", "links"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_something_is_there(machine: Machine, there: str, wanted: str, overwrite: bool) -> None:
    target = machine.path("/x")
    machine.write("/keep", "kept")
    if there == "file":
        machine.write("/x", "old")
    elif there == "directory":
        machine.write("/x/y/z", "old")
        os.symlink("/keep", machine.path("/x/link"))
    elif there == "link":
        os.symlink("/keep", target)
    elif there == "fifo":
        os.mkfifo(target)
    else:
        os.mknod(target, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    node: dict[str, Any] = {"path": "/x", "overwrite": overwrite}
    if wanted == "files":
        node["contents"] = data("new")
    if wanted == "links":
        node["target"] = "/new"
    kind = {"link": "symlink", "fifo": "named pipe"}.get(there, there)
    before = machine.tree()
    may = overwrite or (wanted == "directories" and there == "directory")
    if not may:
        with pytest.raises(StageError, match=f"/x: a {kind}.* is there already"):
            machine.run(storage={wanted: [node]})
        assert machine.tree() == before
        return
    machine.run(storage={wanted: [node]})
    assert machine.read("/keep") == "kept"
    found = os.lstat(target).st_mode
    assert {"files": stat.S_ISREG, "directories": stat.S_ISDIR, "links": stat.S_ISLNK}[wanted](found)
    assert os.path.exists(machine.path("/x/y/z")) == (wanted == "directories" and there == "directory" and not overwrite)


def test_every_refusal_comes_before_anything_is_written(machine: Machine) -> None:
    machine.write("/z/z/z/there", "old")
    before = machine.tree()
    with pytest.raises(StageError):
        machine.run(storage={"files": [{"path": "/a", "contents": data("x")}, {"path": "/z/z/z/there", "contents": data("x")}]})
    assert machine.tree() == before


def test_links_that_are_right_already_are_left_alone(machine: Machine) -> None:
    machine.write("/f", "x")
    os.link(machine.path("/f"), machine.path("/h"))
    os.symlink("./f", machine.path("/s"))
    os.lchown(machine.path("/s"), 3, 3)
    machine.run(storage={"links": [{"path": "/s", "target": "f", "user": {"id": 0}}, {"path": "/h", "target": "/f", "hard": True}]})
    assert machine.owner("/s") == (3, 3) and os.readlink(machine.path("/s")) == "./f"


def test_hard_links_come_last_and_do_not_follow(machine: Machine) -> None:
    machine.run(storage={
        "files": [{"path": "/deep/er/f", "contents": data("x")}],
        "links": [{"path": "/h", "target": "/deep/er/f", "hard": True}, {"path": "/s", "target": "nowhere"},
                  {"path": "/hs", "target": "/s", "hard": True}],
    })  # fmt: skip
    assert os.stat(machine.path("/h")).st_ino == os.stat(machine.path("/deep/er/f")).st_ino
    assert os.readlink(machine.path("/hs")) == "nowhere"


@pytest.mark.parametrize(("target", "words"), [("/nowhere", "does not exist"), ("/etc", "is a directory")])
def test_impossible_hard_links(machine: Machine, target: str, words: str) -> None:
    with pytest.raises(StageError, match=f"hard link /h: its target {target} {words}"):
        machine.run(storage={"links": [{"path": "/h", "target": target, "hard": True}]})


def test_two_entries_for_one_path(machine: Machine) -> None:
    os.symlink("etc", machine.path("/alias"))
    with pytest.raises(StageError, match=r"/alias/f and /etc/f are one path|/etc/f and /alias/f are one path"):
        machine.run(storage={"files": [{"path": "/etc/f"}, {"path": "/alias/f"}]})


def test_an_entry_below_a_file(machine: Machine) -> None:
    os.symlink(".", machine.path("/alias"))
    with pytest.raises(StageError, match="/alias/f/g would lie below /f"):
        machine.run(storage={"files": [{"path": "/f"}, {"path": "/alias/f/g"}]})


def test_a_directory_that_replaces_a_link_holds_what_is_below_it(machine: Machine) -> None:
    machine.write("/elsewhere/f", "old")
    os.symlink("/elsewhere", machine.path("/d"))
    machine.run(storage={"directories": [{"path": "/d", "overwrite": True}], "files": [{"path": "/d/f", "contents": data("new")}]})
    assert machine.read("/elsewhere/f") == "old" and machine.read("/d/f") == "new"


def test_wrong_digest_changes_nothing(machine: Machine) -> None:
    machine.write("/f", "old")
    wrong = {**data("new"), "verification": {"hash": "sha256-" + hashlib.sha256(b"other").hexdigest()}}
    with pytest.raises(IgnitionError, match=r"/f.*sha256") as caught:
        machine.run(storage=file("/f", overwrite=True, contents=wrong))
    assert machine.read("/f") == "old" and leftovers(machine) == []
    assert caught.value.place is not None


def test_contents_are_never_in_the_log(machine: Machine) -> None:
    secret = "c2VjcmV0LXdvcmQ"
    with pytest.raises(IgnitionError):
        machine.run(storage={"files": [{"path": "/a", "contents": data(secret)}, {"path": "/etc/passwd/x", "contents": data(secret)}]})
    assert secret not in machine.log.text


def test_new_file_is_nobody_elses_until_it_is_whole(machine: Machine) -> None:
    """While contents come in, only root can read what there is, and under another name."""
    seen: list[tuple[int, list[str]]] = []

    def chunks() -> Any:
        yield b"first"
        names = os.listdir(machine.path("/d"))
        seen.append((stat.S_IMODE(os.stat(machine.path(f"/d/{names[0]}")).st_mode), names))
        yield b"second"

    with Root(machine.root) as root, Writer(root, machine.log) as writer:
        writer.write("/d/f", chunks(), Permissions(0o666))
        assert not os.path.exists(machine.path("/d/f"))
    assert seen[0][0] == 0o600 and seen[0][1] != ["f"]
    assert machine.read("/d/f") == "firstsecond" and machine.mode("/d/f") == 0o666


def test_flat_memory(machine: Machine) -> None:
    import tracemalloc

    piece = b"x" * (1 << 20)
    tracemalloc.start()
    try:
        with Root(machine.root) as root, Writer(root, machine.log) as writer:
            writer.write("/big", (piece for _ in range(100)), Permissions(0o644))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert os.path.getsize(machine.path("/big")) == 100 << 20 and peak < 4 << 20


def test_thousands_of_files_in_hundreds_of_directories(machine: Machine) -> None:
    count = len(os.listdir("/proc/self/fd"))
    machine.run(storage={"files": [{"path": f"/d{n % 700}/f{n}", "contents": data(str(n))} for n in range(2500)]})
    assert all(machine.read(f"/d{n % 700}/f{n}") == str(n) for n in range(2500))
    assert len(os.listdir("/proc/self/fd")) == count, "no descriptor is left open"


@pytest.mark.parametrize("name", ["new\nline", "\x1b[2J", "ü", "-rf", "a b", "%s", "\x7f"])
def test_names_that_try_the_log(machine: Machine, name: str) -> None:
    machine.run(storage=file(f"/d/{name}", contents=data("x")))
    assert os.listdir(machine.path("/d")) == [name]
    with pytest.raises(StageError) as caught:
        machine.run(storage={**file(f"/d/{name}", contents=data("x")), "links": [{"path": "/new", "target": "x"}]})
    assert str(caught.value).isprintable()
    assert all(line.isprintable() for _, line in machine.log.lines)


def test_invalid_utf8_in_the_root(machine: Machine) -> None:
    os.symlink(b"/\xff\xfe", os.fsencode(machine.path("/l")))
    machine.run(storage=file("/l/f", contents=data("x")))
    with open(os.fsencode(machine.root) + b"/\xff\xfe/f") as opened:
        assert opened.read() == "x"


@pytest.mark.parametrize("where", ["/..", "/../..", "../../../../../..", "/proc/self/root", "../" * 60 + "tmp"])
def test_a_root_full_of_ways_out(machine: Machine, where: str, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("untouched")
    os.symlink(where, machine.path("/out"))
    for name in ("opt", "srv"):
        os.symlink(f"/out{tmp_path}", machine.path(f"/{name}"))
    machine.run(storage={
        "files": [{"path": "/opt/precious", "contents": data("attack")}, {"path": f"/out{tmp_path}/a", "contents": data("attack")}],
        "directories": [{"path": "/srv/d", "mode": 0o777}],
        "links": [{"path": "/srv/link", "target": "precious"}, {"path": "/hard", "target": "/opt/precious", "hard": True}],
    })  # fmt: skip
    assert precious.read_text() == "untouched" and os.listdir(tmp_path) == ["precious"]
    assert machine.read("/hard") == "attack"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["links", "hardlinks"])
def test_races_by_a_second_process(machine: Machine, what: str, tmp_path: Path) -> None:
    """A process inside the root swaps directories and links for others while the stage runs; outside nothing changes."""
    (tmp_path / "precious").write_text("untouched")
    os.makedirs(machine.path("/d/e"))
    os.symlink(tmp_path, machine.path("/evil"))
    child = os.fork()
    if child == 0:
        os.chdir(machine.root)
        while True:
            try:
                if what == "links":
                    os.rename("d", "d2")
                    os.rename("evil", "d")
                    os.rename("d", "evil")
                    os.rename("d2", "d")
                else:
                    for name in os.listdir("d/e"):
                        os.unlink(f"d/e/{name}")
                        os.link(tmp_path / "precious", f"d/e/{name}")
            except OSError:
                continue
    try:
        start = time.monotonic()
        runs = 0
        while time.monotonic() < start + (3 if runs > 3 else 120):  # on a busy machine it takes longer
            try:
                machine.run(storage={
                    "files": [{"path": f"/d/e/f{n}", "overwrite": True, "contents": data("attack"), "mode": 0o777} for n in range(20)]
                    + [{"path": "/d/precious", "overwrite": True, "contents": data("attack")}],
                    "directories": [{"path": "/d/e", "mode": 0o777, "user": {"id": 1100}}],
                })  # fmt: skip
            except IgnitionError as error:
                assert "/" in str(error)
            runs += 1
        assert runs > 3
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    found = os.stat(tmp_path / "precious")
    assert (tmp_path / "precious").read_text() == "untouched" and os.listdir(tmp_path) == ["precious"]
    assert stat.S_IMODE(found.st_mode) == 0o644 and found.st_uid == 0


@pytest.fixture
def mounted(machine: Machine) -> Any:
    """A small filesystem mounted below the root."""
    os.mkdir(machine.path("/var"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M,nr_inodes=200", "tmpfs", machine.path("/var")], check=True)
    yield machine
    subprocess.run(["umount", "-l", machine.path("/var")], check=True)


def test_other_filesystems_below_the_root(mounted: Machine) -> None:
    os.symlink("/etc", mounted.path("/var/etc"))
    mounted.run(storage={
        "files": [{"path": "/var/lib/f", "contents": data("x")}, {"path": "/var/etc/g", "contents": data("y")}],
        "directories": [{"path": "/var", "mode": 0o700}],
    })  # fmt: skip
    assert mounted.read("/var/lib/f") == "x" and mounted.read("/etc/g") == "y" and mounted.mode("/var") == 0o700


def test_a_mount_point_is_not_replaced(mounted: Machine) -> None:
    mounted.write("/var/f", "kept")
    with pytest.raises(StageError, match="directory /var: another filesystem is mounted on it"):
        mounted.run(storage={"directories": [{"path": "/var", "overwrite": True}]})
    assert mounted.read("/var/f") == "kept"


def test_hard_link_to_another_filesystem(mounted: Machine) -> None:
    mounted.write("/var/f", "x")
    with pytest.raises(StageError, match=r"hard link /h: .*[Cc]ross-device"):
        mounted.run(storage={"links": [{"path": "/h", "target": "/var/f", "hard": True}]})


def test_full_disk(mounted: Machine) -> None:
    """The entry is named, the reason too, and nothing half-written stays."""
    mounted.write("/var/f", "old")
    with pytest.raises(StageError, match="file /var/f: No space left on device") as caught:
        mounted.run(storage={"files": [{"path": "/var/f", "overwrite": True, "contents": data("x" * (2 << 20))}]})
    assert "larger, or write less" in caught.value.hint
    assert mounted.read("/var/f") == "old" and leftovers(mounted) == []
    with pytest.raises(StageError, match=r"file /var/d\d+: No space left on device"):
        mounted.run(storage={"files": [{"path": f"/var/d{n}", "contents": data("x")} for n in range(300)]})
    assert leftovers(mounted) == []


def test_read_only_filesystem(mounted: Machine) -> None:
    subprocess.run(["mount", "-o", "remount,ro", mounted.path("/var")], check=True)
    with pytest.raises(StageError, match="file /var/f: Read-only file system"):
        mounted.run(storage=file("/var/f", contents=data("x")))


def test_provider_files(machine: Machine) -> None:
    machine.state.provider_output_files = [{"path": "/etc/from-provider", "contents": {"source": "data:,x"}, "mode": 0o600}]
    machine.run()
    assert machine.read("/etc/from-provider") == "x" and machine.mode("/etc/from-provider") == 0o600


def test_only_filesystems_of_the_new_root_are_synced(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """sync(2) would wait for every disk of the machine."""

    def sync() -> None:
        raise AssertionError("sync(2)")

    monkeypatch.setattr(os, "sync", sync)
    machine.run(storage={"files": [{"path": f"/f{i}", "contents": {"source": "data:,x"}} for i in range(20)]})
    commands = [line for line in machine.log.text.splitlines() if "running: " in line and "sync " in line]
    assert len(commands) == 2 and all(f"sync -f {machine.root}" in line for line in commands)


def warned(machine: Machine) -> list[str]:
    return [text for priority, text in machine.log.lines if priority == 4]  # LOG_WARNING


def test_parents_in_a_home_that_root_would_own_are_told(machine: Machine) -> None:
    """They are made as the reference makes them; each is told once, and none that the config lists or that is there."""
    os.makedirs(machine.path("/home/old/there"))
    old = {"user": {"name": "old"}, "group": {"name": "old"}}
    machine.run(storage={
        "directories": [{"path": "/home/old/listed", **old}],
        "files": [{"path": "/home/old/.config/app/one", **old}, {"path": "/home/old/.config/app/two", **old},
                  {"path": "/home/old/listed/x", **old}, {"path": "/home/old/there/x", **old}, {"path": "/home/old/roots/x"},
                  {"path": "/srv/elsewhere/x", **old}],
        "links": [{"path": "/home/old/.local/bin/x", "target": "/bin/true", "user": {"id": 1100}}],
    })  # fmt: skip
    assert sorted(text.partition(" will belong")[0] for text in warned(machine)) == [
        "files: /home/old/.config and /home/old/.config/app", "files: /home/old/.local and /home/old/.local/bin",
    ]  # fmt: skip
    assert machine.owner("/home/old/.config") == (0, 0)


def test_links_that_presets_take_away_are_told(machine: Machine) -> None:
    links = [{"path": f"/etc/systemd/system/{name}", "target": "../x"} for name in
             ("backup.target.wants/b.service", "a.target.requires/c.service", "a.target.wants/known.service", "a.target.d/x.conf")]
    machine.write("/usr/lib/systemd/system/known.service", "[Install]\n")
    machine.run(storage={"links": links}, systemd={"units": [{"name": "known.service", "enabled": True}]})
    told = [text for text in warned(machine) if "presets" in text]
    assert len(told) == 2
    assert "unit b.service `enabled: true`" in told[0] + told[1] and "unit c.service `enabled: true`" in told[0] + told[1]
