"""`ignition-apply`: configs applied to temporary roots, by root, by somebody else and in a user namespace; and beside the reference."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ignition_py import cli
from ignition_py.failure_screen import unwrapped
from tests.helpers.servers import Server, body

pytestmark = pytest.mark.subprocess

REPOSITORY = Path(__file__).parents[2]
PYTHON = "/usr/bin/python3"  # one that any user may run
PEER = os.environ.get("IGNITION_APPLY_PEER", "")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
PARTS: dict[str, Any] = {
    "storage": {
        "files": [
            {"path": "/etc/a/motd", "mode": 0o600, "contents": {"source": "data:,hi"}},
            {"path": "/etc/issue", "append": [{"source": "data:,more"}]},
        ],
        "directories": [{"path": "/var/x", "mode": 0o700}],
        "links": [{"path": "/etc/l", "target": "a/motd"}, {"path": "/etc/h", "target": "/etc/a/motd", "hard": True}],
    },
    "systemd": {
        "units": [
            {"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/a\n[Install]\nWantedBy=b.target\n"},
            {"name": "b.service", "mask": True},
            {"name": "c.service", "dropins": [{"name": "d.conf", "contents": "[Unit]\nAfter=a.service\n"}]},
        ]
    },
}
UNSUPPORTED: list[dict[str, Any]] = [
    {"kernelArguments": {"shouldExist": ["a"]}},
    {"kernelArguments": {"shouldNotExist": ["a"]}},
    {"passwd": {"users": [{"name": "core"}]}},
    {"passwd": {"groups": [{"name": "core"}]}},
    {"storage": {"disks": [{"device": "/dev/vda"}]}},
    {"storage": {"raid": [{"name": "r", "level": "raid1", "devices": ["/dev/vda", "/dev/vdb"]}]}},
    {"storage": {"filesystems": [{"device": "/dev/vda", "format": "ext4", "path": "/var"}]}},
    {"storage": {"luks": [{"name": "l", "device": "/dev/vda"}]}},
]


def write(folder: Path, parts: dict[str, Any], **ignition: Any) -> str:
    path = folder / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0", **ignition}, **parts}))
    path.chmod(0o644)
    return str(path)


def new_root(folder: Path, name: str = "root") -> Path:
    root = folder / name
    (root / "etc").mkdir(parents=True)
    (root / "etc/issue").write_text("old")
    return root


def snapshot(root: Path) -> dict[str, tuple[Any, ...]]:
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content: Any = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        found[str(path.relative_to(root))] = (oct(status.st_mode), status.st_uid, status.st_gid, status.st_nlink, content)
    return found


def test_a_failure_names_the_line_of_the_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.bu"
    config.write_text("variant: fcos\nversion: 1.6.0\nstorage:\n  files:\n    - path: /there\n      contents: {inline: x}\n")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/there").touch()
    assert cli.main(["ignition-apply", "--root", str(tmp_path / "root"), str(config)]) == 1
    printed = capsys.readouterr().out
    lines = unwrapped(line.removeprefix("CRITICAL : ") for line in printed.splitlines())
    assert f"  asked for by: $.storage.files.0, line 5 col 7 of {config}" in lines
    assert "written as" not in printed


def test_applies_files_links_and_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = new_root(tmp_path)
    assert cli.main(["ignition-apply", "--root", str(root), write(tmp_path, PARTS)]) == 0, capsys.readouterr().out
    assert (root / "etc/a/motd").read_text() == "hi"
    assert (root / "etc/a/motd").stat().st_mode & 0o7777 == 0o600
    assert (root / "etc/issue").read_text() == "oldmore"
    assert os.readlink(root / "etc/l") == "a/motd"
    assert (root / "etc/h").samefile(root / "etc/a/motd")
    assert os.readlink(root / "etc/systemd/system/b.service") == "/dev/null"
    assert (root / "etc/systemd/system-preset/20-ignition.preset").read_text() == "enable a.service\n"
    # Nothing by which the image would look like a machine that has been provisioned.
    assert not [path for path in root.rglob("*") if path.name.startswith(".ignition")]


def test_again_and_again(tmp_path: Path) -> None:
    """Each layer of an image may bring its own; what stands there already is refused as ever, or replaced where asked for."""
    root = new_root(tmp_path)
    config = write(tmp_path, {"storage": {"files": [{"path": "/etc/issue", "append": [{"source": "data:,x"}]}]}})
    for _ in range(2):
        assert cli.main(["ignition-apply", "--root", str(root), config]) == 0
    assert (root / "etc/issue").read_text() == "oldxx"
    config = write(tmp_path, {"storage": {"files": [{"path": "/etc/issue", "contents": {"source": "data:,x"}}]}})
    assert cli.main(["ignition-apply", "--root", str(root), config]) == 1


@pytest.mark.parametrize("program", [["ignition-apply"], ["ignition-py", "apply"]])
def test_standard_input_and_butane(tmp_path: Path, program: list[str]) -> None:
    root = new_root(tmp_path)
    (tmp_path / "local").write_text("from a file")
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/b\n      contents: {local: local}\n"
    code = f"import sys; from ignition_py.cli import main; sys.exit(main({[*program, '--root', 'root', '--files-dir=.', '-']!r}))"
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    import sys

    done = subprocess.run([sys.executable, "-c", code], input=text, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (root / "etc/b").read_text() == "from a file"


@pytest.mark.parametrize("parts", UNSUPPORTED, ids=lambda parts: json.dumps(parts)[:40])
def test_unsupported_sections(tmp_path: Path, parts: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    root = new_root(tmp_path)
    config = write(tmp_path, parts)
    before = snapshot(root)
    assert cli.main(["ignition-apply", "--root", str(root), config]) == 1
    name = next(f"$.{outer}.{inner}" for outer, section in parts.items() for inner in section)
    assert f"a root directory cannot be given {name}" in capsys.readouterr().out
    assert cli.main(["ignition-apply", "--root", str(root), "--ignore-unsupported", config]) == 0
    assert name in capsys.readouterr().out
    assert snapshot(root) == before


@pytest.mark.sockets
def test_offline(tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.at["/f"] = body(b"fetched")
    root = new_root(tmp_path)
    config = write(tmp_path, {"storage": {"files": [{"path": "/f", "contents": {"source": server.url("/f")}}]}})
    assert cli.main(["ignition-apply", "--offline", "--root", str(root), config]) == 1
    assert "$.storage.files.0.contents of the config needs the network" in capsys.readouterr().out
    assert not server.seen
    assert cli.main(["ignition-apply", "--root", str(root), config]) == 0
    assert (root / "f").read_text() == "fetched"
    merging = write(tmp_path, {}, config={"merge": [{"source": server.url("/c.ign")}]})
    assert cli.main(["ignition-apply", "--offline", "--root", str(root), merging]) == 1
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("", 1, "usage: ignition-apply [flags] CONFIG"),
        ("a b", 1, "usage:"),
        ("--bogus a", 2, "there is no flag --bogus"),
        ("-root a", 2, "there is no flag -r"),
        ("--help", 0, "usage:"),
        ("-h", 0, "usage:"),
        ("--version", 0, "Ignition 2."),
        ("--version a b", 0, "Ignition 2."),
        ("a --offline=maybe", 2, "neither true nor false"),
        ("/nonexistent", 1, "reading the config /nonexistent: No such file"),
        ("/dev/null", 1, "the config is empty"),
    ],
)
def test_command_line(words: str, status: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ignition-apply", *words.split()]) == status
    captured = capsys.readouterr()
    assert said in captured.out + captured.err


def test_refuses_the_machine_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from ignition_py.programs import apply

    monkeypatch.delenv("container", raising=False)
    monkeypatch.setattr(apply, "_CONTAINER_FILES", ())
    config = write(tmp_path, {"storage": {"files": [{"path": str(tmp_path / "made")}]}})
    assert cli.main(["ignition-apply", config]) == 1
    assert "no container" in capsys.readouterr().out
    assert cli.main(["ignition-apply", "--root", "/proc/self/root", config]) == 1
    assert not (tmp_path / "made").exists()
    monkeypatch.setenv("container", "podman")
    assert cli.main(["ignition-apply", config]) == 0
    assert (tmp_path / "made").exists()


def as_nobody(root: Path, config: str, *before: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from ignition_py.cli import main; sys.exit(main(sys.argv[1:]))"
    argv = [*NOBODY, *before, PYTHON, "-c", code, "ignition-apply", "--root", str(root), config]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(root.parent / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, cwd="/", env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def common(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A folder that nobody owns and may enter, with the program in it: pytest's own are root's alone, and a clone may be, too."""
    import tempfile

    if not os.path.exists(PYTHON) or shutil.which("setpriv") is None:
        pytest.skip("there is no system Python, or no setpriv")
    with tempfile.TemporaryDirectory(prefix="ignition-apply-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(REPOSITORY / "ignition_py", folder / "site/ignition_py", ignore=shutil.ignore_patterns("__pycache__"))
        for path in (root := new_root(folder), root / "etc", root / "etc/issue"):
            os.chown(path, 65534, 65534)
        yield folder


@pytest.mark.root
@pytest.mark.parametrize("before", [[], ["unshare", "-Ur"]], ids=["plain", "namespace"])
def test_unprivileged(common: Path, before: list[str]) -> None:
    root = common / "root"
    done = as_nobody(root, write(common, PARTS), *before)
    assert done.returncode == 0, done.stdout + done.stderr
    reference = new_root(common, "reference")
    assert cli.main(["ignition-apply", "--root", str(reference), write(common, PARTS)]) == 0
    mine = {path: (mode, links, content) for path, (mode, _, _, links, content) in snapshot(root).items()}
    assert mine == {path: (mode, links, content) for path, (mode, _, _, links, content) in snapshot(reference).items()}
    owned = {"storage": {"files": [{"path": "/etc/b", "user": {"id": 4242}}]}}
    done = as_nobody(root, write(common, owned), *before)
    assert done.returncode == 1
    assert ("This user namespace has 1 ids" if before else "Only root may give files to others") in done.stdout
    assert not (root / "etc/b").exists()
    assert not [path for path in root.rglob("*") if path.name.startswith(".ignition")]


if PEER:  # where there is no reference binary called ignition-apply, there is nothing to compare with

    @pytest.mark.root
    @pytest.mark.peer
    @pytest.mark.parametrize("parts", [PARTS, *UNSUPPORTED], ids=lambda parts: json.dumps(parts)[:40])
    @pytest.mark.parametrize("flags", [[], ["--ignore-unsupported"], ["--offline"]], ids=str)
    def test_as_the_reference(tmp_path: Path, parts: dict[str, Any], flags: list[str]) -> None:
        config = write(tmp_path, parts)
        ours, theirs = new_root(tmp_path, "ours"), new_root(tmp_path, "theirs")
        status = cli.main(["ignition-apply", *flags, "--root", str(ours), config])
        env = {**os.environ, "container": "podman"}
        done = subprocess.run([PEER, *flags, "--root", str(theirs), config], env=env, capture_output=True, check=False)
        assert status == done.returncode
        assert snapshot(ours) == snapshot(theirs)
