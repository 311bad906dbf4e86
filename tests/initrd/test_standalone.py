"""The stand-alone archive: started where there is another C library or none, and what a build refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ignition_py import cli
from ignition_py.initrd import carried, stage, standalone, whole
from ignition_py.initrd.libraries import libraries_of, linker_of
from ignition_py.initrd.newc import archive
from ignition_py.initrd.size import EXECUTOR
from ignition_py.initrd.tree import BuildError, Tree
from ignition_py.system.log import Log
from tests.helpers.minisign import Signer
from tests.helpers.servers import Server, body
from tests.stages.disks.luks_lab import serving_tang

pytestmark = [pytest.mark.subprocess]
SETUP = Path(stage.DRACUT_MODULE) / "module-setup.sh"
# All of Clevis' but the programs of the TPM, whose names differ by version.
TOOLS = ",".join(("mkfs.ext4", "lsblk", *(name for name in carried.CLEVIS if "tpm2" not in name)))
QUIET = Log(to_stdout=True, threshold=-1)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the archive, a static shell, and C libraries that no program could be started with."""
    folder = tmp_path_factory.mktemp("archive")
    assert cli.main(["ignition-py", "initrd", "build", "-format", "cpio", "-output", f"{folder}/a.cpio", "-tools", TOOLS]) == 0
    root = folder / "root"
    for name in ("bin", "dev", "etc", "proc/sys/kernel/random", "run", "tmp", "lib64", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "sysroot/etc"):
        (root / name).mkdir(parents=True)
    subprocess.run(["cpio", "-idm", "--quiet"], stdin=(folder / "a.cpio").open("rb"), cwd=root, check=True)
    shutil.copy(shutil.which("busybox") or "busybox is missing", root / "bin/busybox")
    (root / "usr/bin/env").symlink_to("/bin/busybox")
    for name in ("sh", "cat", "ls"):
        (root / "bin" / name).symlink_to("busybox")
    for name in ("libc.so.6", "libm.so.6", "libcrypto.so.3", "libz.so.1", "libparted.so.2"):
        for place in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64"):
            (root / place / name).write_bytes(b"\x7fELF of another machine")
    (root / "proc/cmdline").write_text("quiet\n")
    (root / "proc/sys/kernel/random/boot_id").write_text("00000000-0000-4000-8000-000000000000\n")
    (root / "etc/ld.so.cache").write_bytes(b"of another machine")
    return root


def inside(root: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    chroot = shutil.which("chroot") or "chroot is missing"
    return subprocess.run([chroot, str(root), *argv], capture_output=True, text=True, check=False, env={"PATH": "/bin:/usr/bin"})


@pytest.mark.root
def test_it_starts_without_a_c_library_of_the_initramfs(unpacked: Path) -> None:
    assert inside(unpacked, "/bin/sh", "-c", "ls /bin/busybox").returncode == 0
    done = inside(unpacked, "/usr/bin/ignition", "-version")
    assert (done.returncode, done.stdout[:11]) == (0, "Ignition 2."), done.stderr


@pytest.mark.root
def test_it_provisions_there(unpacked: Path) -> None:
    (unpacked / "config.ign").write_text(
        '{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/made", "contents": {"source": "data:,here"}}]}}'
    )
    for name in ("fetch", "files"):
        done = inside(unpacked, "/usr/bin/ignition", "-platform", "file", "-stage", name, "-root", "/sysroot", "-log-to-stdout")
        assert done.returncode == 0, done.stdout + done.stderr
    assert (unpacked / "sysroot/etc/made").read_text() == "here"


@pytest.mark.root
def test_its_tools_start_there_and_come_last(unpacked: Path) -> None:
    tools = standalone.TOOLS
    (unpacked / "tmp/disk").write_bytes(b"\0" * (8 << 20))
    done = inside(unpacked, f"{tools}/mkfs.ext4", "-q", "-L", "mine", "/tmp/disk")
    assert done.returncode == 0, done.stderr
    with (unpacked / "tmp/disk").open("rb") as file:
        file.seek(1024 + 56)
        assert file.read(2) == b"\x53\xef"
    script = (unpacked / "usr/bin/ignition").read_text()
    assert f"PATH=${{PATH:-/usr/sbin:/usr/bin:/sbin:/bin}}:{tools}\n" in script


@pytest.mark.root
@pytest.mark.sockets
def test_it_fetches_there(unpacked: Path, server: Server) -> None:
    """requests, which asks proxies, works with what stands in for the modules that it imports and nobody uses."""
    server.at["http://mirror.example/contents"] = body(b"from afar")
    file = {"path": "/etc/fetched", "contents": {"source": "http://mirror.example/contents"}}
    ignition = {"version": "3.5.0", "proxy": {"httpProxy": server.url("")}}
    (unpacked / "config.ign").write_text(json.dumps({"ignition": ignition, "storage": {"files": [file]}}))
    for name in ("fetch", "files"):
        done = inside(unpacked, "/usr/bin/ignition", "-platform", "file", "-stage", name, "-root", "/sysroot", "-log-to-stdout", "-config-cache", "/run/fetched")
        assert done.returncode == 0, done.stdout + done.stderr
    assert (unpacked / "sysroot/etc/fetched").read_text() == "from afar"


@pytest.mark.root
@pytest.mark.sockets
@pytest.mark.parametrize("form", [(), ("-l",)], ids=["hashed", "legacy"])
def test_it_verifies_signatures_there(unpacked: Path, server: Server, tmp_path: Path, form: tuple[str, ...]) -> None:
    """User data leads to a signed config, and to no other, where the image asks for signatures."""
    signer = Signer(tmp_path)
    keys = unpacked / "usr/lib/ignition/trusted.d"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "ours.pub").write_bytes(signer.public.read_bytes())
    config = b'{"ignition": {"version": "3.5.0"}, "storage": {"files": [{"path": "/etc/signed", "contents": {"source": "data:,by-us"}}]}}'
    server.at["/c.ign"], server.at["/c.ign.minisig"] = body(config), body(signer.sign(config, *form))
    replaced = {"ignition": {"version": "3.5.0", "config": {"replace": {"source": server.url("/c.ign")}}}}
    (unpacked / "config.ign").write_text(json.dumps(replaced))
    words = ["/usr/bin/env", "IGNITION_REQUIRE_SIGNATURE=1", "/usr/bin/ignition", "-platform", "file", "-stage", "fetch", "-log-to-stdout"]
    words += ["-root", "/sysroot", "-config-cache", "/run/signed"]
    done = inside(unpacked, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "/etc/signed" in (unpacked / "run/signed").read_text()
    (unpacked / "run/signed").unlink()
    server.at["/c.ign"] = body(config.replace(b"by-us", b"by-them"))
    assert inside(unpacked, *words).returncode == 1
    assert not (unpacked / "run/signed").exists()


def test_it_weighs_less_than_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ignition-py", "initrd", "size", "-tools", "none", "-format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    parts = {part["part"]: part for part in shown["parts"]}
    assert parts[EXECUTOR]["zstd"] < shown["reference"]["zstd"]  # what lies on /boot
    pieces = sum(part["bytes"] for name, part in parts.items() if name not in (EXECUTOR, "the archive"))
    assert pieces < parts["the archive"]["bytes"] < pieces * 1.02  # names and padding
    assert cli.main(["ignition-py", "initrd", "size", "-tools", "none"]) == 0
    assert f"| {EXECUTOR} | {parts[EXECUTOR]['files']} |" in capsys.readouterr().out


# /dev/fd of a booted system: bash's process substitution.
MOUNTED = 'mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" && exec "$(command -v chroot)" "$@"'


def booted(root: Path, *argv: str, stdin: bytes = b"") -> bytes:
    """What a program of the archive prints; it must succeed."""
    command = ["unshare", "--mount", "sh", "-c", MOUNTED, "sh", str(root), "/usr/bin/env", f"PATH=/bin:/usr/bin:{standalone.TOOLS}", *argv]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.root
@pytest.mark.sockets
def test_clevis_runs_there(unpacked: Path, tmp_path: Path) -> None:
    """Its scripts by the archive's own bash, their programs by its own libraries; a real Tang server is asked."""
    with serving_tang(tmp_path / "keys") as tang:
        pin = {"t": 1, "pins": {"tang": [{"url": tang.url, "thp": tang.thumbprint}]}}
        sealed = booted(unpacked, "clevis", "encrypt", "sss", json.dumps(pin), stdin=b"a key")
        asked = tang.connections
        assert booted(unpacked, "clevis", "decrypt", stdin=sealed) == b"a key"
        assert tang.connections > asked
    assert len(booted(unpacked, "pwmake", "256").strip()) > 20


def test_units_are_enabled_as_the_dracut_module_enables_them() -> None:
    tree = Tree()
    standalone.boot_files(tree)
    links = {path.removeprefix(f"{standalone.UNITS}/") for path, entry in tree if entry.target}
    text = SETUP.read_text()
    stages = re.findall(r"for stage in (.*); do", text)[0].split()
    wanted = {f"ignition-complete.target.requires/ignition-{stage}.service" for stage in stages}
    for unit, target in re.findall(r'ignition_unit (ignition-[a-z-]+\.service)(?: (ignition-[a-z-]+\.target))?', text):
        wanted.add(f"{target or 'ignition-complete.target'}.requires/{unit}")
    for target, unit in re.findall(r'add-wants (ignition-[a-z-]+\.target) (ignition-[a-z-]+\.service)', text):
        wanted.add(f"{target}.wants/{unit}")
    assert links == wanted
    for name in os.listdir(stage.DRACUT_MODULE):
        assert name == "module-setup.sh" or any(path.endswith(name) for path in tree.entries), name


def test_no_folder_of_it_replaces_a_link_of_the_initramfs() -> None:
    """The kernel puts a folder of a later archive in place of a link of an earlier one; of these, initramfs' have had links."""
    tree = standalone.standalone(QUIET, ("mkfs.ext4",))
    plain = ("/usr", "/usr/bin", "/usr/lib", "/usr/lib/systemd", "/usr/lib/udev", "/etc", "/etc/security", "/etc/security/pwquality.conf.d")
    for folder in tree.folders():
        assert folder in plain or folder.startswith((stage.PREFIX, "/usr/lib/systemd/system", "/usr/lib/udev/rules.d")), folder


@pytest.mark.parametrize("dracut", [False, True])
def test_the_failure_screen_comes_before_the_emergency_shell(tmp_path: Path, dracut: bool) -> None:
    """By dracut's hooks where there are any, which dracut reads through a link or not."""
    tree = Tree()
    standalone.boot_files(tree)
    tree.write(str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "var/lib/dracut/hooks").mkdir(parents=True)
    (tmp_path / "usr/lib/dracut").mkdir()
    (tmp_path / "usr/lib/dracut/hooks").symlink_to("../../../var/lib/dracut/hooks")
    (tmp_path / "lib").symlink_to("usr/lib")
    if dracut:
        (tmp_path / "bin/dracut-emergency").write_text("")
    script = (tmp_path / f".{stage.PREFIX}/ignition-emergency").read_text()
    for folder in ("/usr/lib/ignition-py", "/bin/dracut", "/lib/dracut"):
        script = script.replace(folder, f"{tmp_path}{folder}")
    screen = tmp_path / f".{stage.PREFIX}/ignition-failure.sh"
    screen.write_text(f"echo shown >>{tmp_path}/said\n")
    subprocess.run(["sh", "-euc", script], check=True)
    hooks = sorted((tmp_path / "var/lib/dracut/hooks").glob("*/*"))
    assert [hook.parent.name for hook in hooks] == (["emergency", "shutdown-emergency"] if dracut else [])
    assert all(hook.resolve() == screen.resolve() for hook in hooks)
    assert (tmp_path / "said").exists() is not dracut


def test_a_unit_of_no_target_ends_the_build(tmp_path: Path) -> None:
    (tmp_path / "a.service").write_text("[Unit]\nBefore=other.target\n")
    with pytest.raises(BuildError, match="is in no target of a first boot"):
        standalone.enabled_by(str(tmp_path / "a.service"))


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["build", "-format", "cpio", "-tools", "mkfs.nothing"], 1, "the program mkfs.nothing is to go into the archive and is not"),
        (["build", "-format", "cpio", "-tools", "none", "-kernel", "1.2.3-none"], 1, "there are no modules of the kernel 1.2.3-none"),
        (["build", "-format", "dracut", "-kernel", "1.2.3-none"], 1, "there are no modules of the kernel 1.2.3-none"),
        (["build", "-format", "tar"], 2, "'tar' is not one of 'dracut', 'initramfs-tools', 'cpio'"),
        (["build"], 2, "Missing option '--format'"),
        (["weigh"], 2, "there is no command 'weigh'; there are build, install, size"),
        ([], 2, "install  Have dracut or mkinitramfs put"),
        (["-help"], 0, "Usage: ignition-py initrd [OPTIONS] COMMAND"),
    ],
)
def test_what_is_refused(argv: list[str], status: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = ["-output", str(tmp_path / "made")] if "-format" in argv else []
    assert cli.main(["ignition-py", "initrd", *argv, *output]) == status
    captured = capsys.readouterr()
    assert words in (captured.err if status else captured.out)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_module_ends_the_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("ignition_py.initrd.modules.ALWAYS", ("nowhere_at_all",))
    assert cli.main(["ignition-py", "initrd", "build", "-format", "cpio", "-output", str(tmp_path / "made")]) == 1
    assert "the executor imports nowhere_at_all, and this Python has no module of that name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.root
def test_a_missing_file_is_found_where_the_archive_is_tried_out() -> None:
    tree = standalone.standalone(QUIET, ())
    standalone.try_out(QUIET, tree)
    library = next(path for path in tree.entries if "/libparted.so" in path)
    del tree.entries[library]
    with pytest.raises(BuildError, match="cannot import parted"):
        standalone.try_out(QUIET, tree)


def test_libraries_come_from_the_dynamic_linker() -> None:
    python = os.path.realpath(sys.executable)
    linker = linker_of(python)
    assert os.access(linker, os.X_OK)
    found = libraries_of(QUIET, linker, [python])
    assert "libc.so.6" in found
    assert "libgcc_s.so.1" in found  # opened when a thread ends
    assert linker_of(__file__) == ""


@pytest.mark.parametrize("form", sorted(whole.INSTALLED))
def test_installing(form: str, tmp_path: Path) -> None:
    for path in whole.install(form, str(tmp_path)):
        assert os.path.exists(path)
    for path in tmp_path.rglob("*"):
        if path.name in ("module-setup.sh", "ignition-generator") or (path.name == "ignition" and path.parent.name != "scripts"):
            assert os.access(path, os.X_OK), path
    assert any(tmp_path.rglob("*"))


def test_a_distributions_own_module_is_replaced(tmp_path: Path) -> None:
    own = tmp_path / "usr/lib/dracut/modules.d/70ignition"
    own.mkdir(parents=True)
    (own / "module-setup.sh").write_text("theirs")
    assert whole.install("dracut", str(tmp_path)) == [str(own)]
    assert (own / "module-setup.sh").read_bytes() == SETUP.read_bytes()


def test_an_archive_can_be_followed_by_another(tmp_path: Path) -> None:
    tree = Tree()
    tree.add("/usr/a/b", b"text", part="tools", mode=0o755)
    tree.link("b", "/usr/a/c", part="tools")
    data = b"".join(archive(tree))
    assert len(data) % 512 == 0
    assert data == b"".join(archive(tree))
    subprocess.run(["cpio", "-idm", "--quiet"], input=data, cwd=tmp_path, check=True)
    assert (tmp_path / "usr/a/c").read_bytes() == b"text"
    assert (tmp_path / "usr/a/b").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "usr").stat().st_mode & 0o777 == 0o755
