"""A Podman quadlet as a ContainerConfig of Talos 1.14: what both can say; anything else is an error that names the setting.

Sources: podman-systemd.unit(5), systemd.syntax(7), Talos' reference of ContainerConfig.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

from butane_py.linter.unit_text import Setting, read_unit
from butane_py.targets.plan import QuadletFact
from butane_py.targets.report import Findings

SUFFIX = ".container"
VOLUMES = "/var/mnt/"
_NAME = re.compile(r"[a-z0-9-]{1,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_SPECIFIER = re.compile(r"(?<!%)(?:%%)*%(?!%)")
_MOUNT_OPTIONS = frozenset(("ro", "rw", "noexec", "nosuid", "nodev", "noatime", "rbind", "rshared"))
_RELABELLING = frozenset(("z", "Z"))  # of SELinux, which Talos has no use for
_NETWORKS = {"host": "host", "none": "none"}
# Settings that say what every container of Talos does, or that are for people, with the values that do; None for any value.
_IMPLIED: dict[tuple[str, str], tuple[str, ...] | None] = {
    ("Unit", "Description"): None,
    ("Unit", "Documentation"): None,
    ("Unit", "Wants"): ("network-online.target",),
    ("Service", "Restart"): ("always", "on-failure"),
    ("Install", "WantedBy"): None,
    ("Container", "Pull"): ("missing", "newer"),
}


class _Refusal(ValueError):
    """A setting that a ContainerConfig cannot say; the message says why."""


def container(quadlet: QuadletFact, findings: Findings) -> dict[str, Any] | None:
    """The document for one quadlet; None where an error was reported."""
    hint = "run it in Kubernetes, or write the document in targets.talos.patches"
    name = quadlet.name.removesuffix(SUFFIX)
    problem = ""
    if name == quadlet.name:
        problem = f"Talos runs containers only, not {quadlet.name}"
    elif not quadlet.rootful:
        problem = f"{quadlet.name} is for users, of which Talos has none"
    elif not _NAME.fullmatch(name):
        problem = f"a container of Talos has a name of at most 63 small letters, digits and hyphens, not {name!r}"
    if problem:
        findings.error("target-value", problem, quadlet.place, hint=hint, skip=quadlet.skip)
        return None
    maker = _Maker(name)
    for setting in read_unit(quadlet.text).settings:
        try:
            maker.take(setting)
        except _Refusal as error:
            message = f"line {setting.line} of {quadlet.name}: {error}"
            findings.error("target-value", message, quadlet.place, hint=hint, skip=quadlet.skip)
    image = maker.document.get("image", "")
    if not image:
        findings.error(
            "target-value",
            f"{quadlet.name} has no Image=",
            quadlet.place,
            hint="name the image of the container",
            skip=quadlet.skip,
        )
    elif "@sha256:" not in image:
        message = f"the image of {quadlet.name} can change: it is named by a tag"
        findings.warning("target-image-tag", message, quadlet.place, hint="name it by its digest: IMAGE@sha256:...")
    return maker.document


class _Maker:
    """Makes the document, a setting at a time. An empty value takes those before it away, as systemd has it."""

    def __init__(self, name: str) -> None:
        self.document: dict[str, Any] = {"apiVersion": "v1alpha1", "kind": "ContainerConfig", "name": name}

    def take(self, setting: Setting) -> None:
        """Takes one setting over. Raises _Refusal."""
        key = (setting.section, setting.name)
        if key in _IMPLIED:
            values = _IMPLIED[key]
            if values is not None and setting.value not in values:
                raise _Refusal(f"Talos has no {setting.name}={setting.value}")
            return
        take = _TAKES.get(key)
        if take is None:
            raise _Refusal(f"a ContainerConfig has nothing for {setting.name}= of [{setting.section}]")
        if _SPECIFIER.search(setting.value):
            raise _Refusal(f"{setting.name}= has a specifier of systemd (%), which Talos does not know")
        take(self, setting.value.replace("%%", "%"))

    def image(self, value: str) -> None:
        if value.endswith((".image", ".build")):
            raise _Refusal("Image= names another quadlet; write the name of the image")
        self.document["image"] = value

    def container_name(self, value: str) -> None:
        if value != self.document["name"]:
            raise _Refusal(f"the container is called {self.document['name']}, as its file is, not {value}")

    def arguments(self, value: str) -> None:
        if "$" in value:
            raise _Refusal("Exec= has a variable, which Talos does not replace")
        self.document["args"] = _words(value)

    def entrypoint(self, value: str) -> None:
        """One program, or a list in JSON."""
        words: Any = [value]
        if value.startswith("["):
            try:
                words = json.loads(value)
            except ValueError:
                words = None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise _Refusal("Entrypoint= is not a list of texts in JSON")
        self.document["entrypoint"] = words

    def directory(self, value: str) -> None:
        self.document["workingDir"] = value

    def user(self, value: str) -> None:
        uid, colon, gid = value.partition(":")
        self._identity("uid", uid)
        if colon:
            self._identity("gid", gid)

    def group(self, value: str) -> None:
        self._identity("gid", value)

    def _identity(self, name: str, value: str) -> None:
        if not (value.isascii() and value.isdigit()):
            raise _Refusal(f"Talos takes numbers of users and groups only, not {value!r}")
        self.document.setdefault("runAs", {})[name] = int(value)

    def environment(self, value: str) -> None:
        words = _words(value)
        if not all(_VARIABLE.fullmatch(word) for word in words):
            raise _Refusal("Environment= is not a list of NAME=VALUE")
        self._extend("environment", words, value)

    def volume(self, value: str) -> None:
        source, _, rest = value.partition(":")
        destination, _, options = rest.partition(":")
        if not source.startswith("/") or not destination.startswith("/"):
            raise _Refusal(f"Volume={value} is not a path of the machine with a path of the container")
        chosen = [option for option in options.split(",") if option and option not in _RELABELLING]
        if not _MOUNT_OPTIONS.issuperset(chosen):
            raise _Refusal(f"Talos mounts with the options {', '.join(sorted(_MOUNT_OPTIONS))}, not {options}")
        if not {"ro", "rw"} & set(chosen):
            chosen.insert(0, "rw")  # Podman's default; that of Talos is ro
        below = source.removeprefix(VOLUMES).rstrip("/")
        if source.startswith(VOLUMES) and below and "/" not in below:
            mount = {"userVolume": {"name": below, "destination": destination, "options": chosen}}
        else:
            mount = {"hostPath": {"source": source, "destination": destination, "options": chosen}}
        self._extend("mounts", [mount], value)

    def tmpfs(self, value: str) -> None:
        destination, _, options = value.partition(":")
        mount = {"destination": destination}
        for option in filter(None, options.split(",")):
            name, _, size = option.partition("=")
            if name != "size":
                raise _Refusal(f"Tmpfs= takes size= only, not {option}")
            mount["size"] = size
        self._extend("mounts", [{"tmpfs": mount}], value)

    def network(self, value: str) -> None:
        if value not in _NETWORKS:
            raise _Refusal(f"Talos has the networks host and none, not {value}")
        self.document["network"] = {"mode": _NETWORKS[value]}

    def add_capabilities(self, value: str) -> None:
        self._capabilities("add", value)

    def drop_capabilities(self, value: str) -> None:
        self._capabilities("drop", value)

    def _capabilities(self, name: str, value: str) -> None:
        words = [word.upper().removeprefix("CAP_") for word in value.split()]
        self._security().setdefault("capabilities", {}).setdefault(name, []).extend(words)

    def podman_arguments(self, value: str) -> None:
        if value.split() != ["--privileged"]:
            raise _Refusal(f"of PodmanArgs= Talos can say --privileged alone, not {value}")
        self._security()["profile"] = "privileged"

    def _security(self) -> dict[str, Any]:
        security: dict[str, Any] = self.document.setdefault("security", {})
        return security

    def memory(self, value: str) -> None:
        self.document["resources"] = {"limits": {"memory": value}}

    def after(self, value: str) -> None:
        others = [unit for unit in value.split() if unit != "network-online.target"]
        if others:
            raise _Refusal(f"Talos has no {others[0]} to wait for")
        self.document["dependsOn"] = {"networks": ["connectivity"]}

    def _extend(self, name: str, items: list[Any], value: str) -> None:
        if not value:
            self.document.pop(name, None)
        else:
            self.document.setdefault(name, []).extend(items)


def _words(value: str) -> list[str]:
    """The words of a command line. Raises _Refusal for a quote that does not end."""
    try:
        return shlex.split(value)
    except ValueError as error:
        raise _Refusal(f"the words cannot be told apart: {error}") from None


_TAKES: dict[tuple[str, str], Callable[[_Maker, str], None]] = {
    ("Unit", "After"): _Maker.after,
    ("Container", "Image"): _Maker.image,
    ("Container", "ContainerName"): _Maker.container_name,
    ("Container", "Exec"): _Maker.arguments,
    ("Container", "Entrypoint"): _Maker.entrypoint,
    ("Container", "WorkingDir"): _Maker.directory,
    ("Container", "User"): _Maker.user,
    ("Container", "Group"): _Maker.group,
    ("Container", "Environment"): _Maker.environment,
    ("Container", "Volume"): _Maker.volume,
    ("Container", "Tmpfs"): _Maker.tmpfs,
    ("Container", "Network"): _Maker.network,
    ("Container", "AddCapability"): _Maker.add_capabilities,
    ("Container", "DropCapability"): _Maker.drop_capabilities,
    ("Container", "PodmanArgs"): _Maker.podman_arguments,
    ("Container", "Memory"): _Maker.memory,
}
