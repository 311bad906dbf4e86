"""A reference Butane, where one is installed: the program that BUTANE_PEER names."""

from __future__ import annotations

import os
import subprocess

BUTANE = os.environ.get("BUTANE_PEER", "")


def compiled_by_reference(text: str, *flags: str) -> str:
    """What the reference makes of a config, "" where it refuses it."""
    return subprocess.run([BUTANE, *flags], input=text.encode("utf-8", "surrogatepass"), capture_output=True, check=False).stdout.decode()
