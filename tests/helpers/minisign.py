"""Debian's minisign: a pair of keys, and signatures by it."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Signer:
    """A pair of keys of minisign, in a folder."""

    def __init__(self, folder: Path, name: str = "key") -> None:
        self.public, self.secret = folder / f"{name}.pub", folder / f"{name}.secret"
        self.folder = folder
        self._run("-G", "-W", "-p", self.public, "-s", self.secret)

    def _run(self, *words: object) -> None:
        subprocess.run(["minisign", *map(str, words)], check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def sign(self, data: bytes, *options: str) -> bytes:
        (self.folder / "data").write_bytes(data)
        self._run("-S", "-s", self.secret, "-m", self.folder / "data", "-x", self.folder / "signature", "-t", "of a test", *options)
        return (self.folder / "signature").read_bytes()
