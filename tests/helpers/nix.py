"""Nix text evaluated by nix-instantiate, without a store."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

PLAIN = Path(__file__).parents[2] / "testdata/targets/plain.nix"


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


def _run(folder: Path, *arguments: str) -> Any:
    env = {**os.environ, "NIX_STATE_DIR": f"{folder}/state", "NIX_STORE_DIR": f"{folder}/store", "HOME": str(folder)}
    done = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", *arguments], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
