"""Writes a boot tree: configs first, then the scripts that name them, the record of what was written around both.

The record, pxe.json, tells the files of earlier runs from files of others: those are never overwritten, the former are removed where
their machines are gone and that is asked for. docs/pxe.md describes its keys; VERSION changes where one changes its meaning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from butane_py.deliver.pxe.model import Boot, Config, Machine
from butane_py.files import write_output
from ignition_py.record import Record, field
from ignition_py.report.diag import IgnitionError

NAME = "pxe.json"
VERSION = 1


class TreeError(IgnitionError):
    """A file of the tree cannot be written without losing somebody's."""


class Written(Record):
    """What came of writing a tree: how many files were written and left as they were, the paths of files of machines that are gone, which
    were removed or are stale, and those of configs for their owner only."""

    written: int = 0
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)


def write(
    folder: str, layout: str, boot: Boot, machines: Iterable[Machine], configs: dict[str, Config], scripts: dict[str, str], *, prune: bool
) -> Written:
    """Writes the tree into `folder`. `prune` removes the files of machines that are gone. Raises TreeError, OSError."""
    served = {f"{boot.folder}/{name}": config for name, config in configs.items()}
    planned = [*served, *scripts]
    record = _read(folder)
    known = set(record.get("files", ())) | set(record.get("stale", ()))
    _refuse_others(folder, planned, known)
    stale = sorted(path for path in known - set(planned) if os.path.lexists(os.path.join(folder, path)))
    data = {
        "version": VERSION,
        "layout": layout,
        "by": boot.by,
        "machines": {machine.name: _machine(boot, machine) for machine in machines},
        "files": sorted(planned),
    }
    os.makedirs(folder, exist_ok=True)
    done = Written(stale=stale)
    # An interrupted run leaves a record of all that it may have written.
    _put(done, folder, NAME, _text({**data, "stale": stale}), counted=False)
    for path, config in served.items():
        _put(done, folder, path, config.data, private=config.private)
        done.private += [path] if config.private else []
    for path, text in scripts.items():
        _put(done, folder, path, text.encode())
    if prune:
        _prune(done, folder)
        _put(done, folder, NAME, _text({**data, "stale": done.stale}), counted=False)
    return done


def _machine(boot: Boot, machine: Machine) -> dict[str, Any]:
    return {"keys": list(machine.keys), "url": boot.config_url(machine), "hash": f"sha512-{machine.sha512}"}


def _refuse_others(folder: str, planned: Iterable[str], known: set[str]) -> None:
    """Raises TreeError where a file that is to be written is there and was not written by a run before."""
    for path in planned:
        if path not in known and os.path.lexists(os.path.join(folder, path)):
            raise TreeError(
                f"{os.path.join(folder, path)} was not written by butane-py pxe and would be lost",
                hint="Move it away, or write the tree to another folder",
            )


def _put(done: Written, folder: str, path: str, data: bytes, *, private: bool = False, counted: bool = True) -> None:
    target = os.path.join(folder, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    new = write_output(target, data, private=private, changed_only=True, sync=False)
    if counted:
        done.written += new
        done.unchanged += not new


def _prune(done: Written, folder: str) -> None:
    """Removes the files of machines that are gone, and folders that are empty then. Raises OSError."""
    for path in done.stale:
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, path))
        done.removed.append(path)
    done.stale = []


def _read(folder: str) -> dict[str, Any]:
    """The record of an earlier run; empty where there is none. Names that lead out of the folder are left out."""
    try:
        with open(os.path.join(folder, NAME), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict) or data.get("version") != VERSION:
        return {}
    return {key: [path for path in data.get(key) or () if _inside(path)] for key in ("files", "stale")}


def _inside(path: object) -> bool:
    return isinstance(path, str) and not os.path.isabs(path) and ".." not in path.split("/")


def _text(data: dict[str, Any]) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
