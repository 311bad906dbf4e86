"""Nix text evaluated by nix-instantiate, without a store."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "testdata/targets"
PLAIN = FOLDER / "plain.nix"


def evaluated(text: str, folder: Path) -> Any:
    """What nix-instantiate makes of an expression, as JSON data."""
    path = folder / "a.nix"
    path.write_text(text, encoding="utf-8", newline="")
    return _run(folder, str(path))


def module(text: bytes, folder: Path) -> Any:
    """What a module of NixOS says, as JSON data, with the markers of testdata/targets/plain.nix."""
    path = folder / "module.nix"
    path.write_bytes(text)
    return _run(folder, str(PLAIN), "--arg", "module", str(path))


def checked(text: bytes, folder: Path, checker: str, **given: str) -> Any:
    """What a checker of testdata/targets makes of a module, as JSON data; it fails on what the options' types refuse."""
    path = folder / "checked.nix"
    path.write_bytes(text)
    more = [word for name, value in given.items() for word in ("--arg", name, value)]
    name = "file" if checker.startswith("disko") else "module"
    return _run(folder, str(FOLDER / checker), "--arg", name, str(path), *more)


def _run(folder: Path, *arguments: str) -> Any:
    env = {**os.environ, "NIX_STATE_DIR": f"{folder}/state", "NIX_STORE_DIR": f"{folder}/store", "HOME": str(folder)}
    done = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", *arguments], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
