"""`manifest.json` beside the configs of a build: what there is for each host, for Terraform, Ansible and scripts. It holds no secrets.

docs/fleet.md describes the keys; VERSION changes where one changes its meaning. The same build writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ignition_py.record import Record, field

if TYPE_CHECKING:
    from butane_py.deliver.ladder import Wish
    from butane_py.deliver.model import Delivery

NAME = "manifest.json"
VERSION = 1


class Manifest(Record):
    """What a manifest says: an entry for each host, and the files of hosts that are gone."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    stale: dict[str, dict[str, Any]] = field(default_factory=dict)

    def text(self) -> str:
        """The manifest as JSON."""
        data: dict[str, Any] = {"version": VERSION, "hosts": self.hosts}
        if self.stale:
            data["stale"] = self.stale
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def entry(
    file: str, data: bytes, spec: str, source: str, groups: Iterable[str], variables: Mapping[str, Any], delivery: Mapping[str, Any]
) -> dict[str, Any]:
    """The entry of a host: `data` is what the file holds, `variables` are those that are no secrets, `delivery` is made by `delivered`."""
    return {
        "file": file,
        "bytes": len(data),
        "sha512": hashlib.sha512(data).hexdigest(),
        "spec": spec,
        **delivery,
        "user_data": file,
        "source": source,
        "groups": list(groups),
        "vars": dict(sorted(variables.items())),
    }


NOT_DELIVERED: Mapping[str, Any] = {"platform": "", "form": "plain", "parts": []}


def delivered(delivery: Delivery, wish: Wish) -> dict[str, Any]:
    """The keys of an entry that tell how the config is delivered."""
    address = wish.address
    parts = [
        {
            "name": part.name,
            "url": address(part) if address is not None else "",
            "sha512": part.sha512,
            "bytes": len(part.data),
            "private": part.private,
        }
        for part in delivery.parts
    ]
    recipient = wish.recipient
    name = recipient.platform.name if recipient.platform is not None else recipient.name
    return {"platform": name, "form": delivery.form, "parts": parts}


def read(folder: str) -> Manifest:
    """The manifest of a folder; an empty one where there is none, or where the file is not a manifest of this version."""
    try:
        with open(os.path.join(folder, NAME), encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError, RecursionError):
        return Manifest()
    if not isinstance(data, dict) or data.get("version") != VERSION:
        return Manifest()
    return Manifest(*(dict(_entries(data.get(key))) for key in ("hosts", "stale")))


def _entries(found: object) -> Iterable[tuple[str, dict[str, Any]]]:
    """The entries that name a file in the folder itself: a manifest may have been written by others."""
    for name, each in found.items() if isinstance(found, dict) else ():
        file = each.get("file") if isinstance(each, dict) else None
        if isinstance(file, str) and file and os.path.basename(file) == file and isinstance(each.get("sha512"), str):
            yield name, each


def merged(before: Manifest, made: Mapping[str, dict[str, Any]], hosts: Collection[str], folder: str) -> Manifest:
    """The manifest after a build that has made the entries `made`; `hosts` are all of the inventory, in its order.

    A host that was not built, or that was refused, keeps the entry of the file that is still there. Files of hosts that are gone
    are stale.
    """
    kept = {name: made.get(name) or before.hosts.get(name) for name in hosts}
    files = {each["file"] for each in kept.values() if each is not None}
    stale = {
        name: each
        for name, each in {**before.stale, **before.hosts}.items()
        if name not in kept and each["file"] not in files and os.path.lexists(os.path.join(folder, each["file"]))
    }
    there = {
        name: each
        for name, each in kept.items()
        if each is not None and (name in made or os.path.exists(os.path.join(folder, each["file"])))
    }
    return Manifest(there, stale)


def prune(manifest: Manifest, folder: str) -> tuple[list[str], list[str]]:
    """Removes the stale files and their entries: the files that are removed, and those that have been changed since. Raises OSError."""
    removed, changed = [], []
    for name, each in list(manifest.stale.items()):
        path = os.path.join(folder, each["file"])
        if os.path.islink(path) or _digest(path) != each["sha512"]:
            changed.append(each["file"])
            continue
        os.unlink(path)
        removed.append(each["file"])
        del manifest.stale[name]
    return removed, changed


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
