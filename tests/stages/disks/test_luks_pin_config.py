"""Binding with custom Clevis pins for real, on volumes in files: no process shows the pin's configuration among its arguments."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ignition_py.report.diag import StageError
from ignition_py.spec.tables import Clevis, ClevisCustom, Luks
from ignition_py.stages.disks.luks import keys as luks_keys
from ignition_py.stages.disks.luks.make import bind_pin
from ignition_py.system.log import Log
from ignition_py.system.run import CommandError

pytestmark = [
    pytest.mark.root,
    pytest.mark.subprocess,
    pytest.mark.skipif(not (shutil.which("clevis-luks-bind") and shutil.which("cryptsetup")), reason="Clevis and cryptsetup are needed"),
]
SECRET = "s3cr3t-of-the-pin"
# A pin of somebody else: waits so that its processes are seen, hands the configuration on in both manners of jose's options.
PIN = """#!/bin/bash -e
cfg="$(jose fmt -j "$1" -Oo-)"
sleep 0.3
test "$(jose fmt --json="$cfg" -Og secret -u-)" = SECRET
test "$(jose fmt -j- -Og secret -u- <<< "$1")" = SECRET
test "$2" = "" || test "$2" = "-y"
exec clevis-encrypt-null '{}'
"""


class Watch:
    """Looks at the arguments and at what is readable for all of every process until it is stopped."""

    def __init__(self, word: str) -> None:
        self.word = word.encode()
        self.seen: set[bytes] = set()
        self.looks = 0
        self.pin = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.is_set():
            self.looks += 1
            for number in filter(str.isdigit, os.listdir("/proc")):
                try:
                    words = Path(f"/proc/{number}/cmdline").read_bytes()
                except OSError:
                    continue
                self.pin = self.pin or b"clevis-encrypt-" in words
                if self.word in words:
                    self.seen.add(words)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A LUKS volume in a file, and the file of its key."""
    monkeypatch.setattr(luks_keys, "DIRECTORY", str(tmp_path / "keys"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "clevis-encrypt-other").write_text(PIN.replace("SECRET", SECRET))
    (tmp_path / "bin" / "clevis-encrypt-compiled").symlink_to(shutil.which("true") or "")
    for pin in (tmp_path / "bin").iterdir():
        pin.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    image, key = tmp_path / "volume", luks_keys.put("data", b"the key")
    with image.open("wb") as file:
        file.truncate(24 << 20)
    quick = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks2", *quick, "--key-file", key, str(image)], check=True)
    return str(image), key


def entry(pin: str, config: str) -> Luks:
    return Luks(name="data", device="/dev/x", clevis=Clevis(custom=ClevisCustom(pin=pin, config=config)))


@pytest.mark.parametrize("pin", ["null", "other"])
def test_no_process_shows_the_configuration(
    pin: str, volume: tuple[str, str], log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Watch(SECRET) as watch:
        bind_pin(log, entry(pin, f'{{"secret": "{SECRET}", "more": [1, "a b"]}}'), *volume, {})
    assert watch.seen == set() and watch.pin and watch.looks > 10
    assert "clevis" in subprocess.run(["cryptsetup", "luksDump", volume[0]], capture_output=True, text=True, check=True).stdout
    assert sorted(os.listdir(tmp_path / "keys")) == ["key-data"] and not list(tmp_path.glob("clevis-pin-*"))
    output = capsys.readouterr()
    assert SECRET not in output.out + output.err


def test_failure_hides_the_configuration_and_leaves_nothing(
    volume: tuple[str, str], log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="with the Clevis pin other") as failure:
        bind_pin(log, entry("other", '{"secret": "another one, which the pin refuses"}'), *volume, {})
    assert "another one" not in str(failure.value) + capsys.readouterr().out
    assert sorted(os.listdir(tmp_path / "keys")) == ["key-data"] and not list(tmp_path.glob("clevis-pin-*"))


@pytest.mark.parametrize("pin", ["compiled", "missing"])
def test_other_pins_are_given_their_configuration_by_clevis(pin: str, volume: tuple[str, str], log: Log) -> None:
    with pytest.raises(CommandError, match=f"with the Clevis pin {pin}: clevis failed"):
        bind_pin(log, entry(pin, "{}"), *volume, {})


def test_a_folder_that_cannot_be_made(volume: tuple[str, str], log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", _full)
    with pytest.raises(StageError, match="binding the LUKS volume data with the Clevis pin null: /tmp: No space left on device"):
        bind_pin(log, entry("null", "{}"), *volume, {})


def _full(**_: object) -> Callable[..., str]:
    raise OSError(28, "No space left on device", "/tmp")
