"""Texts of files that are a fact and nothing else. Each function gives what the text says, None for a text with anything more in it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from ignition_py.record import Record

_CHRONY_PLAIN = frozenset(
    ("driftfile", "makestep", "rtcsync", "logdir", "leapsectz", "keyfile", "sourcedir", "ntsdumpdir")
)
_PROXY = re.compile(r"(https?|no)_proxy=(.*)\Z", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_DOCKER_HUB = ("https://registry-1.docker.io", "https://docker.io")


class Servers(Record):
    """Time servers of a file; `fallback` tells that the file has servers of last resort too."""

    names: tuple[str, ...]
    fallback: bool = False


class ModuleLine(Record):
    """What files in /etc/modprobe.d say of a module."""

    name: str
    parameters: tuple[str, ...] = ()
    blocked: bool = False


class MirrorEntry(Record):
    """A registry and the URLs of its mirrors."""

    registry: str
    endpoints: tuple[str, ...]


def lines(text: str, comments: str = "#;") -> Iterator[str]:
    """The lines that are no comment and not blank, stripped."""
    for line in text.splitlines():
        plain = line.strip()
        if plain and plain[0] not in comments:
            yield plain


def hostname(text: str) -> str | None:
    """/etc/hostname: one line with a name."""
    found = list(lines(text, "#"))
    if len(found) == 1 and re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", found[0]) and ".." not in found[0]:
        return found[0]
    return None


def timezone(target: str) -> str | None:
    """The zone that a link /etc/localtime leads to."""
    _, mark, zone = target.partition("/usr/share/zoneinfo/")
    if not mark:
        zone = target.removeprefix("../usr/share/zoneinfo/") if target.startswith("../usr/share/zoneinfo/") else ""
    return zone if re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", zone) else None


def sysctl(text: str) -> list[tuple[str, str]] | None:
    """`key = value` lines; no key of several (`*`), none whose errors are to be ignored (`-key`)."""
    found = []
    for line in lines(text):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./:-]*", key) or not value:
            return None
        found.append((key, value))
    return found or None


def modules(text: str) -> list[str] | None:
    """/etc/modules-load.d: a name a line."""
    found = list(lines(text))
    return found if found and all(_NAME.match(name) for name in found) else None


def modprobe(text: str) -> list[ModuleLine] | None:
    """/etc/modprobe.d: options, blacklist, and install by /bin/true or /bin/false."""
    found: dict[str, ModuleLine] = {}
    for line in lines(text, "#"):
        words = line.split()
        if len(words) < 2 or not _NAME.match(words[1]):
            return None
        entry = found.get(words[1], ModuleLine(words[1]))
        if words[0] == "options" and len(words) > 2:
            found[words[1]] = entry.but(parameters=(*entry.parameters, *words[2:]))
        elif (words[0] == "blacklist" and len(words) == 2) or (
            words[0] == "install" and len(words) == 3 and re.fullmatch(r"(/usr)?/bin/(true|false)", words[2])
        ):
            found[words[1]] = entry.but(blocked=True)
        else:
            return None
    return list(found.values()) or None


def timesyncd(text: str) -> Servers | None:
    """A configuration of systemd-timesyncd with servers alone."""
    names: list[str] = []
    fallback = False
    for section, key, value in _settings(text):
        if section != "Time" or key not in ("NTP", "FallbackNTP"):
            return None
        if key == "NTP":
            names += value.split()
        else:
            fallback = True
    return Servers(tuple(names), fallback) if names else None


def chrony(text: str) -> Servers | None:
    """A configuration of chrony with servers and what the distributions' own has besides."""
    names: list[str] = []
    for line in lines(text, "#!;%"):
        word, *rest = line.split()
        if word in ("server", "pool"):
            if not rest or set(rest[1:]) - {"iburst", "prefer"}:
                return None
            names.append(rest[0])
        elif word not in _CHRONY_PLAIN:
            return None
    return Servers(tuple(names)) if names else None


def proxy(text: str) -> dict[str, str] | None:
    """A drop-in of systemd's own configuration with nothing but proxies as default environment: http, https and no by their URL."""
    found: dict[str, str] = {}
    for section, key, value in _settings(text):
        if section != "Manager" or key != "DefaultEnvironment":
            return None
        try:
            words = shlex.split(value)
        except ValueError:
            return None
        for word in words:
            match = _PROXY.match(word.replace("%%", ""))
            if not match or "%" in match[2]:  # a specifier of systemd's
                return None
            match = _PROXY.match(word.replace("%%", "%"))
            if not match or found.setdefault(match[1].lower(), match[2]) != match[2]:
                return None
    return found or None


def _settings(text: str) -> Iterator[tuple[str, str, str]]:
    """Section, key and value of each assignment; what is none has the key ""."""
    section = ""
    for line in lines(text):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        yield section, key if equals and not value.endswith("\\") else "", value


def registries(text: str) -> list[MirrorEntry] | None:
    """registries.conf: registries with mirrors, and nothing else."""
    data = _toml(text)
    if data is None or set(data) != {"registry"} or not isinstance(data["registry"], list):
        return None
    found = []
    for entry in data["registry"]:
        if not isinstance(entry, dict) or set(entry) - {"location", "prefix", "mirror"}:
            return None
        names = {entry[key] for key in ("location", "prefix") if isinstance(entry.get(key), str)}
        mirrors = entry.get("mirror")
        if len(names) != 1 or not isinstance(mirrors, list) or not mirrors:
            return None
        endpoints = [_endpoint(mirror) for mirror in mirrors]
        if not all(endpoints):
            return None
        found.append(MirrorEntry(names.pop(), tuple(url for url in endpoints if url)))
    return found or None


def _endpoint(mirror: Any) -> str | None:
    if (
        not isinstance(mirror, dict)
        or set(mirror) - {"location", "insecure"}
        or not isinstance(mirror.get("location"), str)
    ):
        return None
    return f"{'http' if mirror.get('insecure') is True else 'https'}://{mirror['location']}"


def docker(text: str) -> list[MirrorEntry] | None:
    """Docker's daemon.json with mirrors of its own registry alone."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    urls = data.get("registry-mirrors") if isinstance(data, dict) and set(data) == {"registry-mirrors"} else None
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        return None
    return [MirrorEntry("docker.io", tuple(urls))]


def containerd(host: str, text: str) -> list[MirrorEntry] | None:
    """containerd's hosts.toml of one registry."""
    data = _toml(text)
    if data is None or set(data) - {"server", "host"} or not isinstance(data.get("host"), dict) or not data["host"]:
        return None
    server = data.get("server", f"https://{host}")
    if server != f"https://{host}" and not (host == "docker.io" and server in _DOCKER_HUB):
        return None
    for table in data["host"].values():
        if (
            not isinstance(table, dict)
            or set(table) - {"capabilities"}
            or "pull" not in table.get("capabilities", ["pull"])
        ):
            return None
    return [MirrorEntry("*" if host == "_default" else host, tuple(data["host"]))]


def _toml(text: str) -> dict[str, Any] | None:
    import tomllib

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
