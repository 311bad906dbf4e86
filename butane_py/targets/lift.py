"""Facts lifted out of a config: files, links and units that say nothing else. A node is taken whole or left alone.

Never taken is a node with an owner, one that is appended to or fetched, and one with a line that recognise.py does not understand.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from butane_py.decompiler.unpack import contents_of
from butane_py.features.mount_units import written_unit
from butane_py.features.quadlets import SYSTEM, TYPES, USERS
from butane_py.targets import recognise
from butane_py.targets.fields import is_text
from butane_py.targets.plan import (
    Certificates,
    Facts,
    Mirror,
    Module,
    ProxyFact,
    QuadletFact,
    Setting,
    Text,
)
from butane_py.targets.report import Findings
from butane_py.targets.texts import certificates
from ignition_py.record import Record
from ignition_py.report.diag import Place
from ignition_py.spec import tables as spec
from ignition_py.spec.origins import place_of

# True if the target wants what the file at a path says as a fact of the field, not as the file.
Wants: TypeAlias = "Callable[[str, str], bool]"

_ANCHORS = (
    "/etc/pki/ca-trust/source/anchors",
    "/etc/pki/trust/anchors",
    "/usr/local/share/ca-certificates",
    "/etc/ssl/certs",
)
_DEFAULT_SYSCTL = "/etc/sysctl.conf"  # read last, by the link 99-sysctl.conf


class Lifted(Record):
    """What was lifted, the config without it, and the indexes of the filesystems whose mount units were taken."""

    facts: Facts
    config: spec.Config
    mounted: frozenset[int]


def lift(config: spec.Config, wants: Wants, findings: Findings) -> Lifted:
    """The facts of a config that the target wants, and the rest."""
    lifter = _Lifter(config, wants, findings)
    facts = lifter.facts()
    storage = config.storage
    if lifter.taken:
        files = tuple(file for file in storage.files if file.path not in lifter.taken)
        links = tuple(link for link in storage.links if link.path not in lifter.taken)
        config = config.but(storage=storage.but(files=files or None, links=links or None))
    units, mounted = _mount_units(config, wants)
    if mounted:
        config = config.but(systemd=config.systemd.but(units=units or None))
    return Lifted(facts, config, mounted)


class _File(Record):
    """A file that may be a fact: its path, text and place."""

    path: str
    text: str
    place: Place

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def skip(self) -> str:
        return f"storage.files.{self.path}"


class _Lifter:
    def __init__(self, config: spec.Config, wants: Wants, findings: Findings) -> None:
        self._config = config
        self._wants = wants
        self._findings = findings
        self._files = list(_plain_files(config))
        self.taken: set[str] = set()

    def facts(self) -> Facts:
        return Facts(
            hostname=self._hostname(),
            timezone=self._timezone(),
            time_servers=self._time_servers(),
            sysctl=self._sysctl(),
            modules=self._modules(),
            certificates=self._certificates(),
            proxy=self._proxy(),
            mirrors=self._mirrors(),
            quadlets=self._quadlets(),
        )

    def _take(self, field: str, file: _File, found: object) -> bool:
        """True if the file says a fact that the target wants; the file is taken then."""
        if found is None or not self._wants(field, file.path):
            return False
        self.taken.add(file.path)
        return True

    def _below(self, *folders: str, suffix: str = ".conf") -> list[_File]:
        """Files in folders whose names end with `suffix`, in the order in which programs read them."""
        found = [file for file in self._files if file.folder in folders and file.name.endswith(suffix)]
        return sorted(found, key=lambda file: file.name)

    def _at(self, *paths: str) -> list[_File]:
        return [file for file in self._files if file.path in paths]

    def _hostname(self) -> Text | None:
        for file in self._at("/etc/hostname"):
            name = recognise.hostname(file.text)
            if name is not None and self._take("hostname", file, name):
                return Text(file.place, name, lifted=file.skip)
        return None

    def _timezone(self) -> Text | None:
        for index, link in enumerate(self._config.storage.links):
            if link.path != "/etc/localtime" or link.hard or _owned(link):
                continue
            zone = recognise.timezone(link.target or "")
            if zone is not None and self._wants("timezone", link.path):
                self.taken.add(link.path)
                return Text(
                    place_of(self._config, ("storage", "links", index)), zone, lifted=f"storage.links.{link.path}"
                )
        return None

    def _time_servers(self) -> tuple[Text, ...]:
        found: dict[str, Text] = {}
        readers = [
            (file, recognise.timesyncd)
            for file in (*self._at("/etc/systemd/timesyncd.conf"), *self._below("/etc/systemd/timesyncd.conf.d"))
        ]
        readers += [(file, recognise.chrony) for file in (*self._at("/etc/chrony.conf"), *self._below("/etc/chrony.d"))]
        for file, read in readers:
            servers = read(file.text)
            if servers is None or not self._take("time_servers", file, servers):
                continue
            for name in servers.names:
                found.setdefault(name, Text(file.place, name, lifted=file.skip))
            if servers.fallback:
                message = "FallbackNTP is not carried to this target: it has one list of time servers"
                self._findings.warning(
                    "target-lost", message, file.place, hint="write them as NTP if they are to be asked"
                )
        return tuple(found.values())

    def _sysctl(self) -> tuple[Setting, ...]:
        found: dict[str, Setting] = {}
        for file in [*self._below("/etc/sysctl.d"), *self._at(_DEFAULT_SYSCTL)]:
            pairs = recognise.sysctl(file.text)
            if pairs is not None and self._take("sysctl", file, pairs):
                found.update({key: Setting(file.place, key, value, lifted=file.skip) for key, value in pairs})
        return tuple(found.values())

    def _modules(self) -> tuple[Module, ...]:
        found: dict[str, Module] = {}
        for file in self._below("/etc/modules-load.d"):
            names = recognise.modules(file.text)
            if names is not None and self._take("kernel_modules", file, names):
                for name in names:
                    found.setdefault(name, Module(file.place, name, lifted=file.skip))
        for file in self._below("/etc/modprobe.d"):
            lines = recognise.modprobe(file.text)
            if lines is None or not self._take("kernel_modules", file, lines):
                continue
            for line in lines:
                known = found.get(line.name) or Module(file.place, line.name, loaded=False, lifted=file.skip)
                found[line.name] = known.but(
                    parameters=(*known.parameters, *line.parameters), blocked=known.blocked or line.blocked
                )
        return tuple(found.values())

    def _certificates(self) -> tuple[Certificates, ...]:
        found = []
        for file in self._files:
            stem, dot, suffix = file.name.rpartition(".")
            if file.folder not in _ANCHORS or not dot or suffix not in ("pem", "crt", "cer"):
                continue
            blocks = certificates(file.text) or None
            if blocks is not None and self._take("ca_certificates", file, blocks):
                name = re.sub(r"[^A-Za-z0-9-]", "-", stem)[:60]
                found.append(Certificates(file.place, name, blocks, lifted=file.skip))
        return tuple(found)

    def _proxy(self) -> ProxyFact | None:
        found: ProxyFact | None = None
        for file in self._below("/etc/systemd/system.conf.d"):
            values = recognise.proxy(file.text)
            if values is None or not self._take("proxy", file, values):
                continue
            known = found or ProxyFact(file.place, lifted=file.skip)
            urls = {
                name: Text(file.place, values[name], lifted=file.skip) for name in ("http", "https") if values.get(name)
            }
            ranges = tuple(host for host in values.get("no", "").replace(" ", ",").split(",") if host)
            found = known.but(**urls, no_proxy=ranges or known.no_proxy)
        return found

    def _mirrors(self) -> tuple[Mirror, ...]:
        found: dict[str, Mirror] = {}
        for file in self._files:
            entries = None
            if file.path == "/etc/containers/registries.conf" or (
                file.folder == "/etc/containers/registries.conf.d" and file.name.endswith(".conf")
            ):
                entries = recognise.registries(file.text)
            elif file.path == "/etc/docker/daemon.json":
                entries = recognise.docker(file.text)
            elif posixpath.dirname(file.folder) == "/etc/containerd/certs.d" and file.name == "hosts.toml":
                entries = recognise.containerd(posixpath.basename(file.folder), file.text)
            if entries is None or not self._take("registry_mirrors", file, entries):
                continue
            for entry in entries:
                known = found.get(entry.registry)
                endpoints = tuple(dict.fromkeys((*(known.endpoints if known else ()), *entry.endpoints)))
                found[entry.registry] = Mirror(file.place, entry.registry, endpoints, lifted=file.skip)
        return tuple(found.values())

    def _quadlets(self) -> tuple[QuadletFact, ...]:
        found = []
        for file in self._files:
            if file.folder in (SYSTEM, USERS) and file.name.endswith(TYPES) and self._take("quadlets", file, file.text):
                found.append(
                    QuadletFact(file.place, file.name, file.text, rootful=file.folder == SYSTEM, lifted=file.skip)
                )
        return tuple(found)


def _plain_files(config: spec.Config) -> Iterator[_File]:
    """Files of root with text of their own."""
    for index, file in enumerate(config.storage.files):
        if file.append or _owned(file):
            continue
        data = contents_of(file.contents)
        if data is not None and is_text(data):
            yield _File(file.path, data.decode(), place_of(config, ("storage", "files", index)))


def _owned(node: spec.Node) -> bool:
    """True if the node has an owner other than root."""
    return any((owner.id or 0) != 0 or owner.name not in (None, "", "root") for owner in (node.user, node.group))


def _mount_units(config: spec.Config, wants: Wants) -> tuple[tuple[spec.Unit, ...], frozenset[int]]:
    """The units but those that `with_mount_unit` made, and the filesystems that those are for."""
    units = list(config.systemd.units)
    mounted = set()
    for index, filesystem in enumerate(config.storage.filesystems if wants("mounts", "") else ()):
        for unit in units:
            if any(unit == written_unit(filesystem, config, level) for level in _LEVELS):
                mounted.add(index)
                units.remove(unit)
                break
    return tuple(units), frozenset(mounted)


_LEVELS = (
    7,
    2,
    1,
)  # minor versions of the spec whose mount units differ: swap units came, and units that wait for the network
