"""What the files stage leaves in /run for a real root that has a shell and nothing else: the stand-alone archive's executor, and one that
uses the libraries of its initramfs, as dracut's and initramfs-tools' do.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py import cli
from ignition_py.system.libraries import listed, opened
from tests.helpers.bundle import Executor
from tests.notify.receiver import SECRET, Receiver

pytestmark = [pytest.mark.root, pytest.mark.subprocess, pytest.mark.sockets]
BUSYBOX = shutil.which("busybox") or "busybox is missing"
STAGES = """
mount -t proc proc {root}/proc
mount --bind {cmdline} {root}/proc/cmdline
mount --bind {consoles} {root}/proc/consoles
mount -t tmpfs run {root}/run
for stage in fetch files; do
    chroot {root} {ignition} -platform file -stage $stage -root /sysroot -log-to-stdout || exit
done
echo done
[ -z "$(ls {real}/dev)" ] || echo too early
mount --rbind {root}/run {real}/run
mount -t proc proc {real}/proc
mount --bind {cmdline} {real}/proc/cmdline
mount --bind {consoles} {real}/proc/consoles
umount -l {root}/run
mount -t tmpfs gone {root}
cat {real}/run/systemd/system/ignition-report.service
du -sk {real}/run/ignition/notify
{before}
chroot {real} /bin/sh {real_run}/ignition/notify/provisioned
ls {real}/run/ignition/notify
ls {real}/run/systemd/system/multi-user.target.wants
"""


def tree(root: Path) -> Path:
    """A root with busybox in it."""
    for name in ("bin", "dev", "etc", "proc", "run", "tmp", "sysroot/etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for name in ("sh", "cat", "ls", "rm"):
        (root / "bin" / name).symlink_to("busybox")
    return root


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An initramfs with the stand-alone archive, and how a stage is started there."""
    folder = tmp_path_factory.mktemp("archive")
    assert (
        cli.main(["ignition-py", "initrd", "build", "-format", "cpio", "-output", f"{folder}/a.cpio", "-tools", "none"])
        == 0
    )
    root = tree(folder / "root")
    subprocess.run(["cpio", "-idm", "--quiet"], stdin=(folder / "a.cpio").open("rb"), cwd=root, check=True)
    return root, "/usr/bin/ignition"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An initramfs whose executor uses its libraries."""
    root = tree(tmp_path_factory.mktemp("shared"))
    executor = Executor(root / "usr/lib/ignition-py")
    launcher = Path(executor.ignition)
    launcher.write_text(launcher.read_text().replace(str(root), ""))
    binaries = [
        path for path in (root / "usr/lib/ignition-py").rglob("*") if path.suffix == ".so" or path.name == "python3"
    ]
    for binary in binaries:
        printed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
        found, _ = listed(printed)
        for path in (*found.values(), *opened(found).values()):
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path[1:])
        linker = next(
            (line.split()[0] for line in printed.splitlines() if line.strip().startswith("/") and "ld-" in line), ""
        )
        if linker:
            (root / linker[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(linker, root / linker[1:])
    return root, "/usr/lib/ignition-py/ignition"


Boot = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["archive", "shared"])
def boot(request: pytest.FixtureRequest, tmp_path: Path) -> Boot:
    """Runs fetch and files in the initramfs, throws that away, and runs what was left in another root."""
    root, ignition = request.getfixturevalue(request.param)
    real = tree(tmp_path / "real")
    (root / "etc/initrd-release").touch()
    (root / "config.ign").write_text('{"ignition": {"version": "3.5.0"}}')
    (tmp_path / "consoles").write_text("console -W- (EC p a)    4:64\n")

    def run(words: str = "", before: str = "true", **env: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "cmdline").write_text(words + "\n")
        script = STAGES.format(
            root=root, real=real, ignition=ignition, real_run="/run", cmdline=tmp_path / "cmdline", consoles=tmp_path / "consoles",
            before=before.format(real=real),
        )  # fmt: skip
        argv = ["unshare", "--mount", "sh", "-c", script]
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], **env}
        )

    return run


def marker(tmp_path: Path) -> dict[str, object]:
    """What the console of the real root was told."""
    line = (tmp_path / "real/dev/console").read_text().strip()
    data: dict[str, object] = json.loads(line.removeprefix("ignition-result: "))
    return data


def test_it_reports_from_a_root_without_python(boot: Boot, receiver: Receiver, tmp_path: Path) -> None:
    done = boot(f"ignition.report.url={receiver.url}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert receiver.got, done.stdout + done.stderr
    [data] = receiver.data()
    assert data["event"] == "provisioned"
    assert len(data["config_sha512"]) == 128
    assert "too early" not in done.stdout
    assert "Wants=network-online.target" in done.stdout
    after = done.stdout[done.stdout.rindex("marker") :].split()
    assert after == ["marker", "provisioned", "spent", "told-provisioned", "ignition-report.service"]
    assert marker(tmp_path)["event"] == "provisioned"
    assert marker(tmp_path)["config_sha512"] == data["config_sha512"]
    assert SECRET not in done.stdout + done.stderr
    size = next(int(line.split()[0]) for line in done.stdout.splitlines() if line.endswith("ignition/notify"))
    assert 1 << 10 < size < 64 << 10, "KiB of memory"


def test_the_consoles_alone(boot: Boot, tmp_path: Path) -> None:
    done = boot()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "network-online" not in done.stdout
    assert done.stdout.split()[-3:] == ["marker", "provisioned", "ignition-report.service"]
    assert marker(tmp_path)["event"] == "provisioned"


def test_nobody_there(boot: Boot, tmp_path: Path) -> None:
    done = boot("ignition.report.url=http://127.0.0.1:1/")
    assert done.returncode == 0
    assert marker(tmp_path)["event"] == "provisioned"
