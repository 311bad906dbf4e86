"""Secret files that a machine decrypts with the help of a Tang server, after its first boot and at each boot, into memory.

The config has the encrypted file, a service that decrypts it below /run, and a link to that at the path that the file would have. What
Ignition and the disk hold cannot be decrypted where the server does not answer. Any Ignition takes such a config; the machine needs clevis.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from butane_py.deliver.secrets.entries import TaintedEntry
from butane_py.deliver.secrets.jwe import TangServer
from butane_py.linter.facts import unpacked
from butane_py.resources import escaped_url
from ignition_py.record import Record
from ignition_py.report.catalog import declare
from ignition_py.report.diag import ERROR, Entry, Report
from ignition_py.spec.tables import Config, Dropin, File, Link, Resource, Unit

FOLDER = "/etc/tang-secrets"
RUN = "/run/tang-secrets"
CREDENTIALS, RUN_CREDENTIALS = "/etc/credstore", "/run/credstore"  # systemd.exec(5), LoadCredential=
SERVICE = "tang-secrets.service"
_DROPIN = "50-tang-secrets.conf"

declare(
    "secret-not-for-tang",
    title="A secret that Tang cannot keep",
    why="--secrets tang has files decrypted by a service, once the machine is up. Other entries, such as password hashes, keys of "
    "volumes and units, are needed before that.",
    fix="Give the secret as a file, or a unit's secret as a file below /etc/credstore with LoadCredential=; or use --secrets split, which "
    "takes all entries.",
)

_SCRIPT = """#!/bin/sh
# decrypt NAME FILE MODE OWNER: decrypts NAME.jwe into FILE, which is there whole or not at all.
set -eu
umask 077
mkdir -p "${2%/*}"
trap 'rm -f "$2.part"' EXIT
clevis decrypt <"${0%/*}/$1.jwe" >"$2.part"
chmod "$3" "$2.part"
chown "$4" "$2.part"
mv -f "$2.part" "$2"
"""

_UNIT = """[Unit]
Description=Decrypt secrets with the help of a Tang server
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=90
RuntimeDirectory=tang-secrets
RuntimeDirectoryMode=0711
RuntimeDirectoryPreserve=yes
{starts}
[Install]
WantedBy=multi-user.target
"""

_NEEDS = f"""[Unit]
Requires={SERVICE}
After={SERVICE}
"""


class Secret(Record):
    """A secret file. name: that of its encrypted file. path: where programs look for it. target: where it is decrypted to."""

    file: File
    name: str
    path: str
    target: str
    contents: bytes

    HIDDEN = ("contents", "file")


def with_tang(config: Config, entries: Sequence[TaintedEntry], server: TangServer) -> tuple[Config, Report]:
    """The config with secret files encrypted, and errors for entries that are not files."""
    report = Report()
    secrets: dict[int, Secret] = {}
    for number, entry in enumerate(entries):
        index = entry.path[-1]
        secret = _secret(config, entry, number) if entry.path[:2] == ("storage", "files") and isinstance(index, int) else None
        if secret is None or not isinstance(index, int):
            report.entries.append(_refused(entry))
        else:
            secrets[index] = secret
    if report.fatal or not secrets:
        return config, report
    files = [_encrypted(secrets[index], server) if index in secrets else file for index, file in enumerate(config.storage.files)]
    files.append(File(path=f"{FOLDER}/decrypt", mode=0o700, contents=Resource(source=escaped_url(_SCRIPT.encode()))))
    links = [*config.storage.links, *(_link(each) for each in secrets.values())]
    storage = config.storage.but(files=tuple(files), links=tuple(links))
    units = _with_dropins(config.systemd.units, secrets.values())
    return config.but(storage=storage, systemd=config.systemd.but(units=(*units, _service(secrets.values())))), report


def _secret(config: Config, entry: TaintedEntry, number: int) -> Secret | None:
    """The secret file at an entry; None for another entry, or where more than the contents is secret."""
    file = config.storage.files[int(entry.path[-1])]
    contents = unpacked(file.contents)
    if contents is None or any(each[0] != "contents" for each in entry.fields) or file.append:
        return None
    base = posixpath.basename(file.path)
    name = f"{number + 1}-{re.sub(r'[^A-Za-z0-9._-]', '_', base)}"
    credential = posixpath.dirname(file.path) == CREDENTIALS
    return Secret(file, name, file.path, f"{RUN_CREDENTIALS}/{base}" if credential else f"{RUN}/{name}", contents)


def _refused(entry: TaintedEntry) -> Entry:
    message = f"{entry.name} is made of a secret that is not the contents of a file"
    hint = "give it as a file (units: below /etc/credstore, with LoadCredential=), or use --secrets split"
    return Entry(ERROR, "secret-not-for-tang", message, entry.place, hint, related=entry.related)


def _encrypted(secret: Secret, server: TangServer) -> File:
    source = escaped_url(server.encrypted(secret.contents))
    return File(path=f"{FOLDER}/{secret.name}.jwe", mode=0o600, contents=Resource(source=source))


def _link(secret: Secret) -> Link:
    return Link(path=secret.path, target=secret.target, overwrite=secret.file.overwrite)


def _service(secrets: Iterable[Secret]) -> Unit:
    starts = "".join(f"ExecStart=/bin/sh {FOLDER}/decrypt {_words(each)}\n" for each in secrets)
    return Unit(name=SERVICE, enabled=True, contents=_UNIT.format(starts=starts))


def _words(secret: Secret) -> str:
    """What the script gets of a secret, as words of a unit."""
    file = secret.file
    owner = file.user.name or ("" if file.user.id is None else str(file.user.id)) or "0"
    group = file.group.name or ("" if file.group.id is None else str(file.group.id)) or "0"
    mode = file.mode if file.mode is not None else 0o600
    return " ".join(_word(each) for each in (secret.name, secret.target, f"{mode:04o}", f"{owner}:{group}"))


def _word(text: str) -> str:
    """A word as a unit's command line has it (systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers")."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return text if re.fullmatch(r"[A-Za-z0-9/._:$%@+-]+", text) else f'"{text}"'


def _with_dropins(units: Sequence[Unit], secrets: Iterable[Secret]) -> list[Unit]:
    """The units; those that name a secret wait for it, and do not start without it."""
    patterns = [_pattern(each) for each in secrets]
    made = []
    for unit in units:
        texts = "\n".join([unit.contents or "", *(each.contents or "" for each in unit.dropins)])
        if not unit.mask and any(pattern.search(texts) for pattern in patterns):
            unit = unit.but(dropins=(*unit.dropins, Dropin(name=_DROPIN, contents=_NEEDS)))
        made.append(unit)
    return made


def _pattern(secret: Secret) -> re.Pattern[str]:
    """What a unit has in it that uses the secret: its path, or the name of the credential."""
    found = rf"(?<![\w/.-]){re.escape(secret.path)}(?![\w/-])"
    if secret.target.startswith(f"{RUN_CREDENTIALS}/"):
        name = re.escape(posixpath.basename(secret.path))
        found += rf"|^[ \t]*LoadCredential\s*=\s*{name}\s*$|^[ \t]*ImportCredential\s*="
    return re.compile(found, re.M)
