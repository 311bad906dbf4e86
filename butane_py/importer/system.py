"""Host name, time, language, certificates: settings that Ignition knows as files."""

from __future__ import annotations

import re

from butane_py.importer.draft import Draft
from butane_py.importer.values import Value
from butane_py.targets.layouts import CA_UNIT, time_text

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}\Z")
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}\Z")


def host_name(root: dict[str, Value], draft: Draft) -> None:
    """`hostname`, `fqdn` and what else decides on the name."""
    hostname, fqdn = root.get("hostname"), root.get("fqdn")
    short = hostname.text() if hostname else ""
    full = fqdn.text() if fqdn else ""
    prefers = "prefer_fqdn_over_hostname" in root and root["prefer_fqdn_over_hostname"].flag(default=False)
    if "preserve_hostname" in root and root["preserve_hostname"].flag(default=False):
        return
    if "create_hostname_file" in root and not root["create_hostname_file"].flag(default=True):
        return
    name = full if full and (prefers or not short) else short
    if full and not prefers and not short:
        name = full.partition(".")[0]
    value = fqdn if fqdn and name == full else hostname or fqdn
    if value is None or not name:
        return
    if not _HOST.match(name) or ".." in name:
        value.error(f"{value.shown} is not a host name", "write letters, digits, - and dots")
        return
    if fqdn and full and name != full:
        fqdn.differs(
            f"the host name becomes {name}; the domain of fqdn is left to DNS",
            "set prefer_fqdn_over_hostname: true to have all",
        )
    draft.file("/etc/hostname", value, f"{name}\n".encode())


def timezone(value: Value, draft: Draft) -> None:
    zone = value.text()
    if not _ZONE.match(zone):
        value.error(f"{value.shown} is not a time zone", "write a name such as Europe/Berlin")
        return
    draft.link("/etc/localtime", f"../usr/share/zoneinfo/{zone}", value)


def ntp(value: Value, draft: Draft) -> None:
    lost = "the systems have one client with a configuration of its own; write its file by write_files"
    known = {
        **dict.fromkeys(("enabled", "servers", "pools", "ntp_client"), ""),
        "config": lost,
        "peers": lost,
        "allow": lost,
    }
    keys = dict(value.take(known))
    if "ntp_client" in keys and keys["ntp_client"].text() not in ("auto", "chrony", "systemd-timesyncd"):
        keys["ntp_client"].differs(f"{draft.system.title} keeps its own client")
    servers = [(kind, entry) for kind in ("pools", "servers") if kind in keys for entry in keys[kind].items()]
    for _, entry in servers:
        if not _SERVER.match(entry.text()):
            entry.error(f"{entry.shown} is not a name or address of a time server")
            return
    enabled = "enabled" not in keys or keys["enabled"].flag(default=True)
    if not servers or not enabled:
        return
    names = {kind: [entry.text() for each, entry in servers if each == kind] for kind in ("servers", "pools")}
    path = draft.layout.time
    draft.file(path, value, time_text(path, names["servers"], names["pools"]).encode())


def ca_certs(value: Value, draft: Draft) -> None:
    keys = dict(value.take({"trusted": "", "remove_defaults": ""}))
    if "remove_defaults" in keys and keys["remove_defaults"].flag(default=False):
        keys["remove_defaults"].lost(
            "remove_defaults is not carried over: the image's authorities stay trusted", "block each"
        )
    if "trusted" not in keys:
        return
    trusted = [keys["trusted"]] if keys["trusted"].is_text else keys["trusted"].items()
    for index, entry in enumerate(trusted, 1):
        text = entry.text().strip()
        if "-----BEGIN CERTIFICATE-----" not in text:
            entry.error(
                "this is not a certificate",
                "write PEM: text between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----",
            )
            continue
        draft.file(f"{draft.layout.anchors}/cloud-config-{index}.pem", entry, f"{text}\n".encode())
    if draft.layout.ca_command and trusted:
        draft.unit("cloud-config-ca-certificates.service", CA_UNIT.format(command=draft.layout.ca_command), value)


def locale(value: Value, draft: Draft) -> None:
    if value.text().lower() in ("false", "no", "off"):
        return
    if not re.fullmatch(r"[A-Za-z0-9_.@-]+", value.text()):
        value.error(f"{value.shown} is not a locale", "write a locale such as C.UTF-8")
        return
    draft.file("/etc/locale.conf", value, f"LANG={value.text()}\n".encode())


def keyboard(value: Value, draft: Draft) -> None:
    lost = "the console has one key map"
    keys = dict(value.take({"layout": "", "model": lost, "variant": lost, "options": lost}))
    layout = keys["layout"].text() if "layout" in keys else ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", layout):
        (keys.get("layout") or value).error("a keyboard needs a layout", "write layout: us")
        return
    draft.file("/etc/vconsole.conf", value, f"KEYMAP={layout}\n".encode())
