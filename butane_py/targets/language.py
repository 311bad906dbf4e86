"""`variant: machine`: what every system knows and Ignition only knows as files, and the native text of single targets.

The sections `machine` and `targets` and the field `admin` of a user belong to this variant alone. The rest of its language is Butane's.
The module is imported when a config of the variant is read, and by what reads the tables.
"""

from __future__ import annotations

import re
from typing import Any

from butane_py import base, tables
from butane_py.registry import ButaneFindings, rule
from butane_py.targets.texts import certificates
from butane_py.variants import MACHINE
from ignition_py.report.catalog import code
from ignition_py.spec.model import Struct, extends, field

_ROW = "machine 1.0.0-experimental"
_TARGET = "fcos"  # of the examples

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}\Z")
_SERVER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,252})\Z")
_SYSCTL = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_./:*-]{0,127}\Z")
_MODULE = re.compile(r"[A-Za-z0-9_-]{1,56}\Z")
_PARAMETER = re.compile(r"[A-Za-z0-9_.-]+(?:=[!-~]*)?\Z")
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}\Z")
_URL = re.compile(r"https?://[!-~]+\Z")
_REGISTRY = re.compile(r"(?:\*|[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?(?:/[a-z0-9._/-]+)?)\Z")
_NO_PROXY = re.compile(r"[A-Za-z0-9.*:/_\[\]-]+\Z")


class KernelModule(Struct):
    """A module of the kernel: loaded at boot, with parameters, or blocked."""

    name: str = field("Name of the module.", axis=MACHINE, required=True)
    parameters: tuple[str, ...] = field("Parameters, such as numdummies=2.", axis=MACHINE)
    blocked: bool | None = field("Whether the module is never to be loaded.", axis=MACHINE)

    def key(self) -> str | None:
        return self.name


class CaCertificate(Struct):
    """Certificate authorities that the system trusts."""

    name: str = field("Name of the file or entry.", axis=MACHINE, required=True)
    inline: str | None = field("The certificates (PEM).", axis=MACHINE)
    local: str | None = field("Path of a local file with the certificates, below the files directory.", axis=MACHINE)

    def key(self) -> str | None:
        return self.name


class SystemProxy(Struct):
    """Proxies of the system's services. `ignition.proxy` is for what the config itself fetches."""

    http: str | None = field("Proxy URL for http.", axis=MACHINE, secret=True)
    https: str | None = field("Proxy URL for https.", axis=MACHINE, secret=True)
    no_proxy: tuple[str, ...] = field("Hosts, domains or CIDR ranges that are reached without a proxy.", axis=MACHINE)


class RegistryMirror(Struct):
    """Mirrors of a container registry."""

    registry: str = field("The registry, such as docker.io; * for all.", axis=MACHINE, required=True)
    endpoints: tuple[str, ...] = field("URLs of the mirrors, tried in order.", axis=MACHINE)
    skip_fallback: bool | None = field("Whether the registry itself is not to be asked.", axis=MACHINE)

    def key(self) -> str | None:
        return self.registry


class Machine(Struct):
    """What the machine is to be, whatever its system."""

    hostname: str | None = field("Host name, or fully qualified name.", axis=MACHINE)
    timezone: str | None = field("Time zone, such as Europe/Berlin.", axis=MACHINE)
    time_servers: tuple[str, ...] = field("NTP servers: names or addresses, no ports.", axis=MACHINE)
    sysctl: dict[str, str] = field("Kernel parameters.", axis=MACHINE)
    kernel_modules: tuple[KernelModule, ...] = field("Modules of the kernel.", axis=MACHINE)
    ca_certificates: tuple[CaCertificate, ...] = field("Certificate authorities to trust.", axis=MACHINE)
    proxy: SystemProxy = field("Proxies of the system's services.", axis=MACHINE)
    registry_mirrors: tuple[RegistryMirror, ...] = field("Mirrors of container registries.", axis=MACHINE)


@extends
class PasswdUser(base.PasswdUser):
    admin: bool | None = field(
        "Whether the user may become root without a password, whatever that takes.", axis=MACHINE
    )


@extends
class Config(tables.Config):
    machine: Machine = field("What the machine is to be, whatever its system.", axis=MACHINE)
    targets: dict[str, Any] = field(
        "By target: entries to leave out (skip), and native text that is merged last.", axis=MACHINE
    )


def _machine(text: str) -> str:
    return "machine:\n" + "".join(f"  {line}\n" for line in text.splitlines())


@code(
    "machine-value",
    title="A value of the section machine has a wrong form",
    why="The value becomes part of files and settings of several systems, none of which takes this form of it.",
    fix="Write the form that the message names.",
    wrong=_machine("hostname: Node_1"),
    right=_machine("hostname: node1.example.com"),
    row=_ROW,
    target=_TARGET,
)
@rule(Machine)
def machine(it: Machine, find: ButaneFindings) -> None:
    if it.hostname is not None and not _HOSTNAME.match(it.hostname):
        hint = "write letters a-z, digits, - and dots, each label of at most 63 characters (RFC 1123)"
        find.error("machine-value", f"{_shown(it.hostname)} is not a host name", "hostname", hint=hint)
    if it.timezone is not None and not _known_zone(it.timezone):
        hint = "write a name of the time zone database, such as Europe/Berlin or UTC"
        find.error("machine-value", f"{_shown(it.timezone)} is not a time zone", "timezone", hint=hint)
    for index, server in enumerate(it.time_servers):
        if not _SERVER.match(server) or re.search(r"\.[A-Za-z0-9-]*:[0-9]+\Z", server):
            message = f"{_shown(server)} is not a name or address of a time server"
            find.error(
                "machine-value",
                message,
                "time_servers",
                index,
                hint="write a host name or an IP address, without a port",
            )
    for key, value in it.sysctl.items():
        _sysctl(key, value, find)
    names = [
        (name, value)
        for name in ("kernel_modules", "ca_certificates", "registry_mirrors")
        for value in [getattr(it, name)]
    ]
    for name, entries in names:
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            if entry.key() in seen:
                message = f"{_shown(entry.key())} is given twice"
                find.error("machine-value", message, name, index, hint="join the two entries into one")
            seen.add(entry.key())


def _sysctl(key: str, value: str, find: ButaneFindings) -> None:
    if not _SYSCTL.match(key) or ".." in key:
        find.error(
            "machine-value",
            f"{_shown(key)} is not a kernel parameter",
            "sysctl",
            key,
            hint="write a name such as net.ipv4.ip_forward",
        )
    elif value.lower() in ("true", "false"):
        meant = "1" if value.lower() == "true" else "0"
        find.error(
            "machine-value",
            f"{key} is {value}; the kernel takes numbers and words",
            "sysctl",
            key,
            hint=f'write "{meant}"',
        )
    elif not value or "\n" in value or not value.isprintable():
        find.error(
            "machine-value",
            f"the value of {key} has to be one line of text",
            "sysctl",
            key,
            hint='write a value, such as "1"',
        )


def _known_zone(name: str) -> bool:
    """True if the time zone database has the name; where this machine has no database, if the name has the form of one."""
    if not _ZONE.match(name):
        return False
    from zoneinfo import available_timezones

    known = available_timezones()
    return not known or name in known


@rule(KernelModule)
def kernel_module(it: KernelModule, find: ButaneFindings) -> None:
    if not _MODULE.match(it.name):
        find.error(
            "machine-value",
            f"{_shown(it.name)} is not a name of a kernel module",
            "name",
            hint="write letters, digits, _ and -",
        )
    for index, parameter in enumerate(it.parameters):
        if not _PARAMETER.match(parameter):
            find.error(
                "machine-value",
                f"{_shown(parameter)} is not a parameter of a module",
                "parameters",
                index,
                hint="write NAME=VALUE",
            )
    if it.blocked and it.parameters:
        find.error(
            "machine-value", "a blocked module has no parameters", "parameters", hint="remove parameters, or blocked"
        )


@rule(CaCertificate)
def ca_certificate(it: CaCertificate, find: ButaneFindings) -> None:
    if not _NAME.match(it.name):
        hint = "write 1 to 60 letters, digits and -"
        find.error("machine-value", f"{_shown(it.name)} is not a name of a certificate", "name", hint=hint)
    if (it.inline is None) == (it.local is None):
        find.error(
            "machine-value",
            "a certificate has either inline or local",
            hint="write inline: with the PEM text, or local: with a file",
        )
    elif it.inline is not None and not certificates(it.inline):
        hint = "write PEM: text between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----"
        find.error("machine-value", "this is not a certificate", "inline", hint=hint)


@rule(SystemProxy)
def system_proxy(it: SystemProxy, find: ButaneFindings) -> None:
    for name in ("http", "https"):
        value = getattr(it, name)
        if value is not None and not _URL.match(value):
            find.error(
                "machine-value",
                "this is not a URL of a proxy",
                name,
                hint="write a URL such as http://proxy.example.com:3128",
            )
    for index, host in enumerate(it.no_proxy):
        if not _NO_PROXY.match(host):
            hint = "write one host, domain, address or CIDR range an entry"
            find.error("machine-value", f"{_shown(host)} is not a host or range", "no_proxy", index, hint=hint)


@rule(RegistryMirror)
def registry_mirror(it: RegistryMirror, find: ButaneFindings) -> None:
    if not _REGISTRY.match(it.registry):
        hint = "write a host such as docker.io, with a port where needed"
        find.error("machine-value", f"{_shown(it.registry)} is not a registry", "registry", hint=hint)
    if not it.endpoints:
        find.error(
            "machine-value",
            "a mirror needs endpoints",
            "endpoints",
            hint="write endpoints: [https://mirror.example.com]",
        )
    for index, url in enumerate(it.endpoints):
        if not _URL.match(url):
            hint = "write a URL such as https://mirror.example.com"
            find.error("machine-value", "this is not a URL of a mirror", "endpoints", index, hint=hint)


def _shown(text: str | None) -> str:
    return repr(text if text is None or len(text) <= 60 else f"{text[:60]}…")
