"""Quadlets that are plain enough for other programs than Podman: an image, and a command. Source: podman-systemd.unit(5)."""

from __future__ import annotations

import re
import shlex

from ignition_py.record import Record

_NAME = re.compile(r"[A-Za-z0-9-]{1,76}\Z")
_OWN = ("admin", "control")  # containers that Bottlerocket has
# Keys that say nothing about how the container runs.
_HARMLESS = frozenset(
    (("Unit", "Description"), ("Unit", "Documentation"), ("Install", "WantedBy"), ("Container", "ContainerName"))
)


class Container(Record):
    """A container: its name, image and command, empty for the image's own."""

    name: str
    image: str
    command: list[str]


def container_of(file: str, text: str) -> Container | str:
    """The container of a quadlet; a reason where it says more than an image and a command."""
    name, _, kind = file.rpartition(".")
    if kind != "container":
        return f"it is a .{kind}"
    if not _NAME.match(name) or name in _OWN:
        return f"its name is {name!r}, which has to be letters, digits and -, and none of {', '.join(_OWN)}"
    found: dict[str, str] = {}
    section = ""
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            section = line[1:-1]
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if section == "Container" and key in ("Image", "Exec") and equals and key not in found:
            found[key] = value
        elif (section, key) not in _HARMLESS:
            return f"it has {key[:40]} in [{section[:40]}]"
    if "%" in "".join(found.values()) or not found.get("Image"):
        return "it has specifiers (%)" if "%" in "".join(found.values()) else "it has no Image"
    try:
        return Container(name, found["Image"], shlex.split(found.get("Exec", "")))
    except ValueError:
        return "its Exec has a quote that is not closed"
