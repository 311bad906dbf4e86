"""What a hostile config, server or image may try that has to do with sizes: bombs, quotas, disks that become full half-way.

Races, links and names are in test_files_nodes.py.
"""

from __future__ import annotations

import base64
import gzip
import os
import resource
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ignition_py.fetch import gunzip
from ignition_py.report.diag import IgnitionError, StageError
from ignition_py.stages.files.journal import PATH
from tests.helpers.servers import Server
from tests.stages.files.files_machine import Machine, config_of, fill, tree

pytestmark = [pytest.mark.root, pytest.mark.subprocess]
MIB = 1 << 20


def leftovers(machine: Machine) -> list[str]:
    return [path for path in machine.tree() if ".ignition-new" in path]


def bomb(size: int) -> bytes:
    """A gzip stream that grows to `size` zeros, made without holding them."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return b"".join([*(packer.compress(bytes(MIB)) for _ in range(size // MIB)), packer.flush()])


def packed(data: bytes) -> dict[str, str]:
    return {"source": "data:;base64," + base64.b64encode(data).decode(), "compression": "gzip"}


@pytest.fixture
def small(machine: Machine) -> Iterator[Machine]:
    """A machine with a filesystem of two MiB at /var."""
    os.mkdir(machine.path("/var"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", machine.path("/var")], check=True)
    yield machine
    subprocess.run(["umount", "-l", machine.path("/var")], check=True)


def test_a_bomb_that_is_larger_than_the_disk(small: Machine) -> None:
    small.write("/var/f", "old")
    with pytest.raises(StageError, match="file /var/f: No space left on device"):
        small.run(storage={"files": [{"path": "/var/f", "overwrite": True, "contents": packed(bomb(64 * MIB))}]})
    assert small.read("/var/f") == "old" and leftovers(small) == []


def test_a_bomb_on_a_large_disk(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up when it has grown beyond all measure, long before its end."""
    monkeypatch.setattr(gunzip, "FREE_EXPANSION", 4 * MIB)
    with pytest.raises(IgnitionError, match=r"contents of /d/f: \d+ bytes decompress to \d+ and more") as caught:
        machine.run(storage={"files": [{"path": "/d/f", "contents": packed(bomb(128 * MIB))}]})
    assert caught.value.place is not None and caught.value.place.path[:3] == ("storage", "files", 0)
    assert not os.path.exists(machine.path("/d/f")) and leftovers(machine) == []


@pytest.mark.parametrize("lie", ["size", "checksum", "end", "tail"])
def test_gzip_that_lies_about_itself(machine: Machine, lie: str) -> None:
    """RFC 1952: a stream ends with the checksum and the size of what it holds."""
    good = gzip.compress(b"contents" * 1000)
    bad = {"size": good[:-4] + b"\1\0\0\0", "checksum": good[:-8] + bytes(4) + good[-4:], "end": good[:-9], "tail": good + b"x"}[lie]
    machine.write("/f", "old")
    with pytest.raises(IgnitionError, match=r"contents of /f: .*gzip"):
        machine.run(storage={"files": [{"path": "/f", "overwrite": True, "contents": packed(bad)}]})
    assert machine.read("/f") == "old" and leftovers(machine) == []


@pytest.fixture
def limited() -> Iterator[Machine]:
    """A root on btrfs with a quota, which holds for root too, of four MiB."""
    with tempfile.TemporaryDirectory(prefix="ignition-quota-") as work:
        image, mount, root = f"{work}/image", f"{work}/mount", f"{work}/mount/root"
        os.mkdir(mount)
        with open(image, "wb") as file:
            file.truncate(256 * MIB)
        subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", image, mount], check=True)
        try:
            for words in (["quota", "enable", mount], ["subvolume", "create", root], ["qgroup", "limit", "4M", root]):
                subprocess.run(["btrfs", *words], check=True, capture_output=True)
            fill(root)
            yield Machine(root)
        finally:
            subprocess.run(["umount", mount], check=True)


def test_quota(limited: Machine) -> None:
    limited.write("/f", "old")
    with pytest.raises(StageError, match="file /f: Disk quota exceeded") as caught:
        limited.run(storage={"files": [{"path": "/f", "overwrite": True, "contents": {"source": "data:," + "x" * 8 * MIB}}]})
    assert "quota" in caught.value.hint
    assert limited.read("/f") == "old" and leftovers(limited) == []


def test_the_disk_becomes_full_half_way(small: Machine) -> None:
    """The entry is named; when there is room again, the next run ends as an undisturbed one."""
    names = [f"/var/d{n // 10}/f{n}" for n in range(60)]
    config = config_of(storage={
        "files": [{"path": path, "contents": {"source": "data:," + "x" * 50_000}, "mode": 0o640, "user": {"name": "old"}} for path in names]
        + [{"path": "/etc/issue", "append": [{"source": "data:,once"}]}],
        "links": [{"path": "/var/last", "target": names[-1], "hard": True}],
    })  # fmt: skip
    small.write("/etc/issue", "image,")
    os.chmod(small.path("/var"), 0o755)
    with pytest.raises(StageError, match=r"file /var/d\d/f\d+: No space left on device") as caught:
        small.run(config)
    assert caught.value.place is not None and caught.value.place.path[:2] == ("storage", "files")
    assert leftovers(small) == []
    subprocess.run(["mount", "-o", "remount,size=16M", small.path("/var")], check=True)
    small.run(config)
    with tempfile.TemporaryDirectory() as root:
        os.chmod(root, 0o755)
        fill(root)
        other = Machine(root)
        other.write("/etc/issue", "image,")
        other.write("/var/.keep")
        os.unlink(other.path("/var/.keep"))
        other.run(config)
        assert tree(small.root, skip) == tree(other.root, skip)


def skip(path: str) -> bool:
    return path in (PATH, "/etc/.ignition-result.json")


@pytest.mark.sockets
def test_a_download_takes_no_memory(machine: Machine, server: Server, tmp_path: Path) -> None:
    """The whole stage, in a process of its own, with a file of 200 MiB from a server."""
    size = 200 * MIB

    def send(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        for _ in range(size // MIB):
            handler.wfile.write(bytes(MIB))

    server.at["/f"] = send
    child = os.fork()
    if child == 0:
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            machine.run(storage={"files": [{"path": "/f", "contents": {"source": server.url("/f")}}]})
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            (tmp_path / "grown").write_text(str(grown))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.path.getsize(machine.path("/f")) == size
    assert int((tmp_path / "grown").read_text()) < 40 * 1024
