"""Forms of strings: what a hostname, an address, a MAC, a URL is, which parts each has, and when two of them are the same.

Sources: RFC 1123 (host names), RFC 4291 and 4632 (addresses), IEEE 802 (MAC), RFC 3986 (URLs), sshd(8) (keys).
"""

from __future__ import annotations

import binascii
import ipaddress
import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import urlsplit

from ignition_py.record import Record

Part: TypeAlias = "Callable[[str], str | int | None]"

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})")
_PORTS = {"http": 80, "https": 443, "ftp": 21, "tftp": 69, "nfs": 2049, "ssh": 22, "sftp": 22}
_MOST_OF_A_NAME = 253


class Form(Record):
    """A form of strings.

    problem: why a text is not of the form, as the end of a sentence; "" where it is. example: a text of the form. parts: what `.name`
    of such a value stands for. canonical: equal for texts that mean the same.
    """

    problem: Callable[[str], str]
    example: str
    parts: dict[str, Part] = {}  # noqa: RUF012  # never changed
    canonical: Callable[[str], str] = str


def _hostname(text: str) -> str:
    if len(text) > _MOST_OF_A_NAME:
        return f"has {len(text)} characters; a host name has at most {_MOST_OF_A_NAME}"
    wrong = next((label for label in text.split(".") if not _LABEL.fullmatch(label)), None)
    if wrong is None:
        return ""
    if len(wrong) > 63:
        return "is not a host name: a part between dots has at most 63 characters"
    return "is not a host name: its parts between dots are letters, digits and inner hyphens"


def _address(version: int) -> Callable[[str], str]:
    def problem(text: str) -> str:
        kind = f"IPv{version} address" if version else "IP address"
        if "/" in text:
            return f"is no {kind}: it has a prefix; the type for that is cidr"
        try:
            found = ipaddress.ip_address(text)
        except ValueError:
            return f"is no {kind}"
        if "%" in text:
            return f"is no {kind} alone: it names an interface"
        return "" if version in (0, found.version) else f"is no {kind}, but one of IPv{found.version}"

    return problem


def _cidr(text: str) -> str:
    head, slash, prefix = text.partition("/")
    if not slash:
        return "has no prefix, such as /24" if not _address(0)(text) else "is not an address with a prefix"
    if not prefix.isascii() or not prefix.isdigit() or "%" in head:
        return "is not an address with a prefix"
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return "is not an address with a prefix"
    return ""


def _url(text: str) -> str:
    if any(char.isspace() or not char.isprintable() for char in text):
        return "is not a URL: it has a blank in it"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        return f"is not a URL: {str(error)[:1].lower()}{str(error)[1:]}"
    if not parts.scheme or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        return "is not a URL: it begins with no scheme, such as https://"
    return "" if parts.netloc or parts.scheme == "data" else f"is not a URL: nothing like a host follows {parts.scheme}:"


def _path(text: str) -> str:
    if not text.startswith("/"):
        return "is no absolute path: it does not begin with /"
    return "has a NUL in it" if "\0" in text else ""


def _ssh_key(text: str) -> str:
    from butane_py.linter.login import KEY_TYPES

    if "\n" in text.strip("\n"):
        return "has several lines; an SSH key is one"
    found = re.search(r"(?:^|\s)(\S+)\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)", text)
    kind = found[1].removesuffix("-cert-v01@openssh.com") if found else ""
    return "" if kind in KEY_TYPES else "is not a public SSH key, such as ssh-ed25519 AAAA…"


def _base64(text: str) -> str:
    try:
        binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        return "is not base64"
    return ""


def _interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    return ipaddress.ip_interface(text)


def _port(text: str) -> int | None:
    parts = urlsplit(text)
    return parts.port if parts.port is not None else _PORTS.get(parts.scheme)


def _key_words(text: str) -> str:
    """The key without its comment."""
    found = re.search(r"\S+\s+[A-Za-z0-9+/]+={0,2}(?=\s|$)", text)
    return found[0] if found else text


FORMS: dict[str, Form] = {
    "hostname": Form(_hostname, "n1.lab.example", {
        "short": lambda text: text.partition(".")[0], "domain": lambda text: text.partition(".")[2] or None,
    }, str.lower),
    "ip": Form(_address(0), "10.0.0.11", canonical=lambda text: str(ipaddress.ip_address(text))),
    "ipv4": Form(_address(4), "10.0.0.11", canonical=lambda text: str(ipaddress.ip_address(text))),
    "ipv6": Form(_address(6), "fd00::11", canonical=lambda text: str(ipaddress.ip_address(text))),
    "cidr": Form(_cidr, "10.0.0.11/24", {
        "ip": lambda text: str(_interface(text).ip),
        "prefix": lambda text: _interface(text).network.prefixlen,
        "netmask": lambda text: str(_interface(text).netmask),
        "network": lambda text: str(_interface(text).network.network_address),
        "broadcast": lambda text: str(_interface(text).network.broadcast_address),
    }, lambda text: str(_interface(text).ip)),
    "mac": Form(lambda text: "" if _MAC.fullmatch(text) else "is no MAC address", "52:54:00:12:34:56", {
        "dashes": lambda text: text.replace(":", "-").lower(),
        "plain": lambda text: re.sub("[:-]", "", text).lower(),
    }, lambda text: re.sub("[:-]", "", text).lower()),
    "url": Form(_url, "https://example.com/", {"host": lambda text: urlsplit(text).hostname, "port": _port}),
    "path": Form(_path, "/var/lib/data"),
    "ssh_key": Form(_ssh_key, "ssh-ed25519 AAAA…", canonical=_key_words),
    "base64": Form(_base64, "aGVsbG8="),
}  # fmt: skip
