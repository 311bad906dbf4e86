"""Killed anywhere and run again, the stage ends with the tree of one undisturbed run."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from typing import Any

import pytest

from ignition_py.report.diag import StageError
from ignition_py.stages.files.journal import PATH
from tests.helpers.programs import only_programs_in
from tests.stages.files.files_machine import Machine, config_of, fill, tree

pytestmark = [pytest.mark.root, pytest.mark.subprocess]

CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "os.chown",
           "os.truncate", "os.setxattr", "subprocess.Popen", "os.fork"}  # fmt: skip
STORAGE = {
    "directories": [
        {"path": "/srv/data", "mode": 0o1770, "user": {"name": "old"}},
        {"path": "/srv/plain"},
        {"path": "/replaced", "overwrite": True},
    ],
    "files": [
        {"path": "/srv/data/new", "contents": {"source": "data:,new"}, "mode": 0o600, "user": {"name": "old"}},
        {"path": "/srv/data/parts", "contents": {"source": "data:,one"}, "append": [{"source": "data:,two"}]},
        {"path": "/image/file", "append": [{"source": "data:,%20and%20more"}]},
        {"path": "/image/linked", "append": [{"source": "data:,%20and%20more"}]},
        {"path": "/image/kept", "mode": 0o640},
        {"path": "/image/over", "overwrite": True, "contents": {"source": "data:,over"}},
        {"path": "/image/dir", "overwrite": True, "contents": {"source": "data:,file"}},
        {"path": "/replaced/inside", "append": [{"source": "data:,fresh"}]},
        {"path": "/empty"},
    ],
    "links": [
        {"path": "/srv/link", "target": "data/new"},
        {"path": "/srv/hard", "target": "/srv/data/parts", "hard": True},
        {"path": "/image/tree", "target": "/srv", "overwrite": True},
        {"path": "/image/kept-too", "target": "/image/kept", "hard": True},
    ],
}
SYSTEMD = {
    "units": [
        {"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n",
         "dropins": [{"name": "x.conf", "contents": "[Unit]\n"}]},
        {"name": "e@1.service", "enabled": True},
        {"name": "m.service", "mask": True},
    ]
}
PASSWD = {
    "groups": [{"name": "crew", "gid": 2000, "passwordHash": "grouphash"}],
    "users": [
        {"name": "new", "passwordHash": "$6$salt$hash", "groups": ["wheel", "crew"], "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]},
        {"name": "locked", "uid": 1500},
        {"name": "old", "shell": "/bin/zsh"},
    ],
}


def image(root: str) -> None:
    fill(root)
    machine = Machine(root)
    machine.write("/etc/skel/.profile", "# skeleton\n")
    machine.write("/image/file", "from the image", 0o600)
    machine.write("/image/linked", "two names")
    os.link(f"{root}/image/linked", f"{root}/image/other-name")
    machine.write("/image/kept", "kept")
    os.link(f"{root}/image/kept", f"{root}/image/kept-too")
    os.link(f"{root}/image/kept", f"{root}/image/kept-elsewhere")
    machine.write("/image/over", "old")
    machine.write("/image/dir/a/b", "old")
    machine.write("/image/tree/c", "old")
    machine.write("/replaced/inside", "old")
    machine.write("/etc/systemd/system-preset/20-ignition.preset", "enable image.service\n")


def skip(path: str) -> bool:
    return path in (PATH, "/etc/.ignition-result.json") or (path.startswith("/etc/") and path.endswith("-"))


def killed_after(changes: int, root: str, config: Any) -> bool:
    """Runs the stage in a child process that is killed before change number `changes`; True where it came to its end."""
    child = os.fork()
    if child == 0:
        left = changes

        def hook(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_CREAT | os.O_TRUNC)
            if event in CHANGES or writes:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            Machine(root).run(config)
        except BaseException as error:
            os.write(2, f"{error}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return status == 0  # where the child that writes keys was killed, the stage has failed, which is an end before the end


def roots() -> tuple[tempfile.TemporaryDirectory[str], str]:
    work = tempfile.TemporaryDirectory(prefix="ignition-interrupted-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    os.chmod(work.name, 0o755)
    image_root = f"{work.name}/image"
    os.mkdir(image_root)
    os.chmod(image_root, 0o755)
    image(image_root)
    return work, image_root


def copy(source: str, target: str) -> str:
    shutil.rmtree(target, ignore_errors=True)
    os.system(f"/bin/cp -a {source} {target}")
    return target


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        pytest.param({"storage": STORAGE, "systemd": SYSTEMD}, None, id="storage and units"),
        pytest.param({"passwd": PASSWD}, None, id="accounts"),
        pytest.param({"passwd": PASSWD}, "/nowhere", id="accounts without tools"),
        pytest.param({"passwd": PASSWD, "storage": STORAGE}, None, id="accounts and storage"),
    ],
)
@pytest.mark.slow
def test_killed_at_every_change(parts: dict[str, Any], path: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if path is not None:
        only_programs_in(monkeypatch, path)
    config = config_of(**parts)
    work, image_root = roots()
    with work:
        undisturbed = copy(image_root, f"{work.name}/undisturbed")
        assert killed_after(1 << 30, undisturbed, config)
        expected = tree(undisturbed, skip)
        step = 3 if "passwd" in parts and "storage" in parts else 1
        for changes in range(0, 2000, step):
            root = copy(image_root, f"{work.name}/root")
            if killed_after(changes, root, config):
                assert changes > 20
                return
            Machine(root).run(config)
            assert difference(tree(root, skip), expected) == {}, f"killed before change {changes}"
    raise AssertionError("the stage never came to its end")


def difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {path: (one.get(path), other.get(path)) for path in {*one, *other} if one.get(path) != other.get(path)}


def test_the_same_config_again(machine: Machine) -> None:
    """The firstboot flag may have outlived a finished run: nothing is appended twice, nothing is refused."""
    image(machine.root)
    machine.run(storage=STORAGE, systemd=SYSTEMD, passwd=PASSWD)
    once = machine.tree(skip)
    machine.run(storage=STORAGE, systemd=SYSTEMD, passwd=PASSWD)
    assert difference(machine.tree(skip), once) == {}


def test_another_config_after_a_finished_run_meets_the_usual_refusals(machine: Machine) -> None:
    machine.run(storage={"files": [{"path": "/f", "contents": {"source": "data:,one"}}]})
    with pytest.raises(StageError, match="a file is there already"):
        machine.run(storage={"files": [{"path": "/f", "contents": {"source": "data:,two"}}]})


def test_a_corrected_config_after_a_failed_run_goes_through(machine: Machine) -> None:
    """What the first, failed attempt wrote is not in the way of the second."""
    bad = {"source": "data:,two", "verification": {"hash": "sha256-" + "0" * 64}}
    with pytest.raises(Exception, match="sha256"):
        machine.run(storage={"files": [{"path": f"/a/f{i}", "contents": {"source": "data:,one"}} for i in range(3000)]
                                       + [{"path": "/a/b/c/bad", "contents": bad}]})  # fmt: skip
    assert os.path.exists(machine.path("/a/f0"))
    machine.run(storage={"files": [{"path": f"/a/f{i}", "contents": {"source": "data:,two"}} for i in range(3000)]})
    assert machine.read("/a/f0") == "two"
    assert [name for name in os.listdir(machine.path("/a")) if name.startswith(".")] == []


def test_a_file_that_changed_since_is_not_appended_to(machine: Machine) -> None:
    machine.write("/f", "from the image")
    config = config_of(storage={"files": [{"path": "/f", "append": [{"source": "data:,more"}]}]})
    machine.run(config)
    machine.write("/f", "edited by hand and longer")
    with pytest.raises(StageError, match="has been changed since"):
        machine.run(config)
    assert machine.read("/f") == "edited by hand and longer"


def test_a_damaged_journal_is_refused(machine: Machine) -> None:
    machine.write(PATH, "{")
    with pytest.raises(StageError, match="damaged"):
        machine.run(storage={"files": [{"path": "/f"}]})
    assert not os.path.exists(machine.path("/f"))


def test_the_journal_is_for_root_alone(machine: Machine) -> None:
    machine.run(passwd=PASSWD)
    assert machine.mode(PATH) == 0o600
    assert "$6$salt$hash" not in machine.read(PATH)


def test_half_made_user_is_completed(machine: Machine) -> None:
    """The stage was killed between the account files and the home directory."""
    machine.write("/etc/skel/.profile", "# skeleton\n")
    config = config_of(passwd={"users": [{"name": "new", "uid": 1500, "passwordHash": "hash"}]})
    whole = tempfile.mkdtemp()
    try:
        os.chmod(whole, 0o755)
        shutil.copytree(machine.path("/etc"), f"{whole}/etc", dirs_exist_ok=True)
        Machine(whole).run(config)
        expected = tree(whole, skip)
    finally:
        shutil.rmtree(whole)
    with pytest.raises(StageError):  # stopped after the journal was written: nothing but it is there
        machine.run(passwd={"users": [{"name": "new", "uid": 1500}]}, storage={"files": [{"path": "/x", "user": {"name": "nobody-here"}}]})
    shutil.rmtree(machine.path("/home"))
    machine.run(config)
    found = machine.tree(skip)
    assert difference(found, expected) == {}
