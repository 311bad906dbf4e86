"""Which machines are expected, and which of them a report is of.

The path of the request names a host: `/HOST`, with tokens `/HOST/TOKEN`. Else, without tokens, the report's facts are compared with the
inventory: the host name, and the host's variables `uuid`, `serial`, `mac` and `macs`. A token is the HMAC-SHA256 of the host's name
under the receiver's secret, so that a machine that knows its own cannot speak for another.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import quote, unquote

from ignition_py.receiver.arrived import Arrived
from ignition_py.report.diag import ConfigError, IgnitionError

_FACTS = ("uuid", "serial", "mac", "macs")
_SHORTEST_SECRET = 16  # bytes
_TOKEN = 32  # hexadecimal digits
_LONGEST = 200  # characters of a name


class Hosts:
    """The hosts of an inventory by name and by fact. `secret` is b"" where no token is asked for."""

    def __init__(self, names: Iterable[str] = (), facts: dict[str, str] | None = None, secret: bytes = b"") -> None:
        self.names = dict.fromkeys(names)
        self._facts = facts or {}
        self._secret = secret

    def token(self, name: str) -> str:
        return hmac.new(self._secret, name.encode(), "sha256").hexdigest()[:_TOKEN]

    def path(self, name: str) -> str:
        """The path of the URL that a host's reports go to."""
        return f"/{quote(name, safe='')}" + (f"/{self.token(name)}" if self._secret else "")

    def allowed(self, path: str) -> bool:
        """True if a report may be sent to this path of a request."""
        if not self._secret:
            return True
        parts = _parts(path)
        return len(parts) == 2 and hmac.compare_digest(parts[1].encode(), self.token(parts[0]).encode())

    def name_of(self, path: str, arrived: Arrived, address: str) -> str:
        """The name of the machine that an allowed report is of: a host of the inventory, else what it is known by best."""
        parts = _parts(path)
        if self._secret:
            return parts[0]
        if parts and parts[0] in self.names:
            return parts[0]
        host = arrived.machine("hostname")
        for name in (host, host.partition(".")[0]):
            if name in self.names:
                return name
        known = (arrived.machine("uuid"), arrived.machine("serial"), *arrived.data["machine"]["macs"])
        for fact in known:
            if fact.lower() in self._facts:
                return self._facts[fact.lower()]
        return next((name for name in (host, *known) if name), address)[:_LONGEST]


def _parts(path: str) -> list[str]:
    return [unquote(part) for part in path.partition("?")[0].split("/") if part]


def read_secret(path: str) -> bytes:
    """The secret of tokens in a file. Raises IgnitionError, OSError."""
    with open(path, "rb") as file:
        secret = file.read(4096).strip()
    if len(secret) < _SHORTEST_SECRET:
        hint = f"Make one: head -c 32 /dev/urandom | base64 >{path}"
        raise IgnitionError(f"the secret in {path} has fewer than {_SHORTEST_SECRET} bytes", hint=hint)
    return secret


def read_hosts(names: Iterable[str], secret: bytes = b"") -> Hosts:
    """The hosts of inventories, in any format that `butane-py build --inventory` reads. Raises ConfigError, IgnitionError."""
    from butane_py.fleet.inventory import read_inventories

    inventory = read_inventories(tuple(names))
    if inventory.report.fatal:
        raise ConfigError("the inventory is not valid", inventory.report)
    facts: dict[str, str] = {}
    for host in inventory.hosts.values():
        for name in _FACTS:
            for given in host.vars.get(name, ())[-1:]:
                value = given.value()
                for text in (value.text, *(item.text for item in value.items)):
                    if text:
                        facts.setdefault(text.lower(), host.name)
    return Hosts(inventory.hosts, facts, secret)
