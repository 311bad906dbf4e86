"""`butane-py publish`: what it lists, what it asks, what it removes, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from butane_py.cli import publish as command
from butane_py.deliver.model import DeliveryError, Part
from butane_py.deliver.publish.publishing import Stores, publish
from butane_py.deliver.publish.store import open_store

PROGRAM = "butane-py publish"


def part(text: str) -> Part:
    return Part.of(text.encode())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with three publications of n1, the first of which n2 is in as well."""
    store = open_store(str(tmp_path / "store"))
    publish({"n1": [part("1")], "n2": [part("n2")]}, Stores(store))
    publish({"n1": [part("2")]}, Stores(store))
    publish({"n1": [part("3")]}, Stores(store))
    (tmp_path / "store" / "index.html").write_text("ours")
    return tmp_path / "store"


def files(place: Path) -> set[str]:
    return {path.name for path in place.iterdir() if path.is_file()}


def test_list(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run.run([str(place)], PROGRAM) == 0
    assert capsys.readouterr().out == "000003  1 host, 1 part\n000002  1 host, 1 part\n000001  2 hosts, 2 parts\n"
    (place / part("1").name).unlink()
    assert command.run.run([str(place)], PROGRAM) == 0
    assert capsys.readouterr().out.endswith("000001  2 hosts, 2 parts, 1 removed\n")
    assert command.run.run([str(place), "--format", "json"], PROGRAM) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["version"] == 1
    assert said["publications"][2]["hosts"]["n1"] == [{"name": part("1").name, "there": False}]


def test_prune(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = files(place)
    assert command.run.run([str(place), "--prune", "--keep", "2", "--dry-run"], PROGRAM) == 0
    out = capsys.readouterr().out
    assert out == f"{part('1').name}\nto remove: 1 part and 0 publications; kept: 3 parts and 3 publications\n"
    assert files(place) == every
    assert command.run.run([str(place), "--prune", "--keep", "2"], PROGRAM) == 2
    assert "give --yes to remove without asking" in capsys.readouterr().err
    assert files(place) == every
    assert command.run.run([str(place), "--prune", "--keep", "1", "--yes"], PROGRAM) == 0
    assert "removed: 2 parts and 1 publication; kept: 2 parts and 2 publications" in capsys.readouterr().out
    assert files(place) == {part("3").name, part("n2").name, "index.html"}
    assert command.run.run([str(place), "--prune", "--keep", "1"], PROGRAM) == 0  # nothing to ask for
    assert "0 parts" in capsys.readouterr().out


def test_forget_and_manifests(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps(
            {"version": 1, "hosts": {"old": {"file": "old.ign", "parts": [{"name": part("1").name}]}, "plain": {}}}
        )
    )
    words = [
        str(place),
        "--prune",
        "--keep",
        "1",
        "--forget",
        "n2",
        "--manifest",
        str(manifest),
        "--yes",
        "--format",
        "json",
    ]
    assert command.run.run(words, PROGRAM) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["parts"] == sorted([part("2").name, part("n2").name])
    assert files(place) == {part("3").name, part("1").name, "index.html"}
    manifest.write_text("[]")
    assert command.run.run(words, PROGRAM) == 1
    assert capsys.readouterr().err == f"{PROGRAM}: {manifest} is not a manifest.json of `butane-py build`\n"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["ftp://example.com/x"], 1, "ftp://example.com/x: publishing to ftp:// is not supported"),
        (["https://me:s3cr3t@example.com/x"], 1, "must not hold a user"),
        (["https://acc.blob.core.windows.net/c?sig=s3cr3t"], 1, "must not hold a user"),
        (["s3://"], 1, "the URL has to name a place to publish to"),
        (["s3://b/../c"], 1, "without '.' and '..'"),
        (["s3://bucket:80/x"], 1, "bucket:80 cannot be the name of a bucket or an account"),
        (["az://account"], 1, "does not name a container"),
        ([""], 1, "is empty"),
        (["x", "--yes"], 2, "go with --prune"),
        (["x", "--prune", "--keep", "0"], 2, "--keep"),
        (["empty", "--prune"], 1, "nothing that was published is recorded there"),
        (["https://example.com/x"], 1, "a web server cannot list"),
    ],
)
def test_refusals(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.run.run(words, PROGRAM) == status
    said = capsys.readouterr()
    assert says in said.err
    assert "s3cr3t" not in said.err + said.out
    assert said.err.startswith(f"{PROGRAM}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("place", "package", "extra"),
    [
        ("s3://bucket", "boto3", "s3"),
        ("gs://bucket", "google-cloud-storage", "gcs"),
        ("az://account/c", "azure-storage-blob", "azure"),
        ("https://account.blob.core.windows.net/c", "azure-storage-blob", "azure"),
        ("https://example.com/c", "requests", "publish"),
    ],
)
def test_the_compiler_alone(place: str, package: str, extra: str) -> None:
    """Installed without extras, the program says what it needs."""
    blocked = dict.fromkeys(("boto3", "botocore", "google", "azure", "requests", "urllib3"))
    script = f"import sys; sys.modules.update({blocked}); from butane_py.cli.main import main; sys.exit(main(['butane-py', 'publish', {place!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"butane-py publish: {place}: publishing there needs the Python package {package}. "
        f"Install it with: pip install 'ignition-py[{extra}]'\n"
    )


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("ftp://h/x", "machines cannot fetch"),
        ("config.example.com", "machines cannot fetch"),
        ("https://", "machines cannot fetch"),
        ("https://u:s3cr3t@h/x", "must not hold"),
        ("https://h/x?sig=s3cr3t", "must not hold"),
        ("https://h/%zz", "is not a URL"),
    ],
)
def test_base_urls(base: str, says: str) -> None:
    with pytest.raises(DeliveryError, match=says) as caught:
        open_store("x", base_url=base)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "base", ["https://h/x/", "arn:aws:s3:eu-west-1:1234:accesspoint/a/object/x", "tftp://10.0.0.1/ign"]
)
def test_base_urls_that_machines_can_fetch(base: str) -> None:
    assert open_store("x", base_url=base).url("0123456789abcdef.ign") == f"{base.rstrip('/')}/0123456789abcdef.ign"


@pytest.mark.subprocess
@pytest.mark.parametrize(("answer", "status", "left"), [("n", 1, 4), ("y", 0, 2)])
def test_it_asks_at_a_terminal(place: Path, answer: str, status: int, left: int) -> None:
    import pty

    desk, terminal = pty.openpty()
    argv = [sys.executable, "-m", "butane_py", "publish", str(place), "--prune", "--keep", "1"]
    with subprocess.Popen(
        argv, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as running:
        os.close(terminal)
        os.write(desk, f"{answer}\n".encode())
        out, err = running.communicate()
    os.close(desk)
    assert running.returncode == status, err
    assert b"Remove 2 parts and 1 publication? [y/N]: " in err and part("1").name.encode() in err
    assert (b"removed: 2 parts" if status == 0 else b"to remove: 2 parts") in out
    assert len(files(place) - {"index.html"}) == left
