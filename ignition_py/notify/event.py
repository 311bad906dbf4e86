"""What a report says: the facts of a machine and of its failure, as JSON of at most LIMIT bytes (docs/report.md has the schema).

No contents and no secrets: of a failure it takes what failure.json has, which is made without them. Sources: sysfs(5)
`/sys/class/dmi/id`, `/sys/class/net`; os-release(5); cloud-init's module phone_home for the form.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ignition_py import __version__
from ignition_py import quickjson as json
from ignition_py.record import KW_ONLY, Record
from ignition_py.system.host import boot_id

SCHEMA = 1
STARTED, FAILED, PROVISIONED = EVENTS = ("started", "failed", "provisioned")
LIMIT = 8 << 10  # bytes of a body
MARKER_LIMIT = 1000  # bytes of the line on a console
MARKER = "ignition-result: "
_SHORTENED = ("message", "hint", "entry", "source", "file", "os", "hostname", "serial", "platform")
_SHORTEST = 16  # characters; a text that is still too long then is left out
_MACS = 8
_DMI = "/sys/class/dmi/id"
_NET = "/sys/class/net"
_NO_NAMES = ("", "localhost", "localhost.localdomain", "(none)")
_OF_FAILURE = ("stage", "message", "hint", "entry", "source", "line", "column")
_ON_CONSOLE = (
    "schema",
    "event",
    "stage",
    "message",
    "entry",
    "source",
    "line",
    "column",
    "written",
    "platform",
    "config_sha512",
    "boot",
)


class Report(Record):
    """A report ready to be sent: `data` as in the schema, `body` the same as bytes, `key` names it for good."""

    _: KW_ONLY
    event: str
    data: dict[str, Any]
    body: bytes
    key: str


def report(event: str, platform: str, folder: str, failure: Mapping[str, Any] | None, root: str = "/") -> Report:
    """The report of an event of this machine. `folder` is that of the stages' files, `failure` what failure.json holds,
    `root` where /sys and /etc are."""
    written = (failure or {}).get("written")
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "event": event,
        "machine": machine(root),
        "platform": platform or None,
        "config_sha512": _first_line(f"{folder}/config.sha512"),
        **{name: (failure or {}).get(name) for name in _OF_FAILURE},
        "written": {"file": written.get("source"), "line": written.get("line")} if isinstance(written, dict) else None,
        "seconds": round(time.monotonic(), 3),
        "boot": boot_id() or None,
        "os": operating_system(root),
        "version": __version__,
    }
    return Report(event=event, data=data, body=fitted(data, LIMIT).encode(), key=f"{data['boot'] or 'unknown'}-{event}")


def machine(root: str = "/") -> dict[str, Any]:
    """What a machine is known by; what is not known is null, and no network cards are an empty list."""
    base = "" if root == "/" else root
    name = os.uname().nodename
    return {
        "uuid": (_first_line(f"{base}{_DMI}/product_uuid") or "").lower() or None,
        "serial": _first_line(f"{base}{_DMI}/product_serial"),
        "macs": _macs(base + _NET),
        "hostname": None if name in _NO_NAMES else name,
    }


def _macs(folder: str) -> list[str]:
    """Addresses of the network cards that are devices, sorted; bridges and the like have none of their own."""
    try:
        cards = sorted(name for name in os.listdir(folder) if os.path.exists(f"{folder}/{name}/device"))
    except OSError:
        return []
    found = dict.fromkeys(_first_line(f"{folder}/{name}/address") for name in cards)
    return [address for address in found if address and address != "00:00:00:00:00:00"][:_MACS]


def operating_system(root: str = "/") -> str | None:
    """PRETTY_NAME of os-release; in an initramfs that of the initramfs."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with open(("" if root == "/" else root) + path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("PRETTY_NAME="):
                        return line.partition("=")[2].strip().strip("\"'") or None
        except OSError:
            continue
    return None


def marker(data: Mapping[str, Any]) -> str:
    """The report for a console: one line, with what a program that reads it has to know."""
    short = {name: data[name] for name in _ON_CONSOLE if data.get(name) is not None}
    if data.get("seconds") is not None:
        short["seconds"] = data["seconds"]
    return MARKER + fitted(short, MARKER_LIMIT - len(MARKER))


def fitted(data: Mapping[str, Any], limit: int) -> str:
    """The data as JSON of ASCII characters, at most `limit` of them: the longest of the texts in _SHORTENED are cut until it fits.
    What else there is fits in any limit of ours."""
    texts = {name: dict(value) if isinstance(value, dict) else value for name, value in data.items()}
    owners = [texts, *(value for value in texts.values() if isinstance(value, dict))]
    while len(text := json.dumps(texts, separators=(",", ":"))) > limit:
        found = [(owner, name) for owner in owners for name in _SHORTENED if isinstance(owner.get(name), str)]
        owner, name = max(found, key=lambda one: len(json.dumps([one[0][one[1]]])))
        owner[name] = owner[name][: len(owner[name]) * 3 // 4 - 1] + "…" if len(owner[name]) > _SHORTEST else None
    return text


def _first_line(path: str) -> str | None:
    """The first line of a small file of the kernel's, None where it has none that can be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.readline(256).strip()
    except OSError:
        return None
    return text or None
