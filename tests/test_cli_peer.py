"""The executor's command line beside the reference's: the same flags in all their spellings, the same exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.peer, pytest.mark.subprocess]

ROOT = Path(__file__).parent.parent
BINARY = os.environ.get("IGNITION_PEER") or "/usr/lib/dracut/modules.d/30ignition/ignition"
WHOLE = ("-platform", "file", "-stage", "fetch", "-root", "r", "-config-cache", "c", "-neednet", "n", "-state-file", "s", "-log-to-stdout")
DURATIONS = (
    "1s", "1m30s", "1.5h", "500ms", "100us", "100\N{MICRO SIGN}s", "1ns", "0", "-1s", "+1s", ".5s", "5.s", "00s", "1h1h", "", "s", "1", "1d",
    "1 s", "1e3s", "0x1s", "1_0s", "9999999h",
)  # fmt: skip
CASES: list[tuple[str, ...]] = [
    WHOLE,
    tuple(f"-{word}" if word.startswith("-") else word for word in WHOLE),
    ("-platform=file", "--stage=fetch", "-root=r", "--config-cache=c", "-neednet=n", "--state-file=s", "-log-to-stdout=true"),
    (*WHOLE, "-log-to-stdout=false"), (*WHOLE, "-log-to-stdout=T"), (*WHOLE, "-log-to-stdout=maybe"), (*WHOLE, "-stage", "fetch-offline"),
    *((*WHOLE, "-fetch-timeout", text) for text in DURATIONS),
    (*WHOLE, "--fetch-timeout=2m"), (*WHOLE, "-fetch-timeout"),
    ("-version",), ("--version",), ("-version=true",), ("--version=false",), ("-version=maybe",), ("-version", "-platform", "nope"),
    ("-h",), ("--help",), ("-help",), (), ("-platform", "file"), ("-stage", "fetch"), ("-platform=", "-stage=fetch"),
    ("-platform", "nope", "-stage", "fetch"), ("-platform", "file", "-stage", "nope"), ("-platform",), ("---platform", "file"),
    (*WHOLE, "extra"), (*WHOLE, "--"), (*WHOLE, "-"), (*WHOLE, "--nosuch"),
    (*WHOLE, "-stage", "kargs"), (*WHOLE, "-stage", "disks"), (*WHOLE, "-stage", "mount"), (*WHOLE, "-stage", "files"), (*WHOLE, "-stage", "umount"),
]  # fmt: skip


def status(program: list[str], argv: tuple[str, ...], folder: Path) -> tuple[int, bool]:
    """Exit status, and whether the config cache was written."""
    (folder / "r").mkdir(parents=True)
    (folder / "config.ign").write_text('{"ignition": {"version": "3.0.0"}}')
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*program, *argv], cwd=folder, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
    return done.returncode, (folder / "c").exists()


@pytest.mark.parametrize("argv", CASES, ids=" ".join)
def test_exit_status(argv: tuple[str, ...], tmp_path: Path) -> None:
    ours = status([sys.executable, "-m", "ignition_py"], argv, tmp_path / "ours")
    assert ours == status([BINARY], argv, tmp_path / "peer")
