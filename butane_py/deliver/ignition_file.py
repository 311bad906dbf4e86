"""Ignition configs as files that are to be delivered: read, and told from everything else."""

from __future__ import annotations

import json
import os

from butane_py.deliver.model import DeliveryError
from butane_py.files import read_input
from ignition_py.record import Record

STDIN = "-"


class IgnitionFile(Record):
    """An Ignition config. `private`: its file is for its owner only, and so has to be what is made of it."""

    data: bytes
    private: bool


def read(path: str) -> IgnitionFile:
    """The config in a file, for `-` on standard input. Raises DeliveryError for anything else than an Ignition config, OSError."""
    data = read_input(path)
    problem = problem_of(data)
    if problem:
        name = "standard input" if path == STDIN else path
        hint = f"Compile Butane first: butane-py {'config.bu' if path == STDIN else path} > config.ign"
        raise DeliveryError(f"{name} {problem}", hint=hint)
    return IgnitionFile(data, path != STDIN and not os.stat(path).st_mode & 0o077)


def problem_of(data: bytes) -> str:
    """Why the data is not an Ignition config, as the end of a sentence; "" where it is one."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    return "" if isinstance(found, dict) and "ignition" in found else "is not an Ignition config"
