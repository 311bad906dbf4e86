"""The plan of a config: facts (what every system knows in its own words) and the rest, as an Ignition config.

Facts come from the section `machine`, or were lifted out of files (lift.py). Each knows where it stands in the source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ignition_py.record import KW_ONLY, Record, field
from ignition_py.report.diag import Path, Place
from ignition_py.spec.model import Field, Origin
from ignition_py.spec.origins import place_of
from ignition_py.spec.tables import Config

if TYPE_CHECKING:
    from butane_py.targets.model import Chosen


class Fixed(Origin):
    """The origin of what was made from one place: everything in it leads there."""

    __slots__ = ("_place",)

    def __init__(self, place: Place) -> None:
        self._place = place

    def place(self) -> Place:
        return self._place

    def field(self, entry: Field) -> Origin:
        return self

    def item(self, index: int) -> Origin:
        return self


class Fact(Record):
    """The base of facts: where it was written.

    `lifted` is what `skip` would name to leave out the file it was
    taken from, "" for the section `machine`."""

    place: Place
    _: KW_ONLY
    lifted: str = ""

    @property
    def file(self) -> str:
        """The path of the file or link that the fact was lifted from, "" for the section `machine`."""
        return self.lifted.split(".", 2)[2] if self.lifted else ""


class Text(Fact):
    """A fact of one text: host name, time zone, a time server, the URL of a proxy."""

    value: str
    HIDDEN = ("value",)


class Setting(Fact):
    """A kernel parameter."""

    key: str
    value: str


class Module(Fact):
    """A module of the kernel, to be loaded at boot (`loaded`), with parameters, or blocked."""

    name: str
    parameters: tuple[str, ...] = ()
    blocked: bool = False
    loaded: bool = True


class Certificates(Fact):
    """Certificate authorities under one name: PEM blocks, each with a final newline."""

    name: str
    blocks: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of them as one PEM text."""
        return "".join(self.blocks)


class ProxyFact(Fact):
    """Proxies of the system's services; None for one that is not given. `no_proxy` are hosts and ranges."""

    http: Text | None = None
    https: Text | None = None
    no_proxy: tuple[str, ...] = ()


class Mirror(Fact):
    """Mirrors of a registry: URLs in order. `fallback` tells whether the registry itself is asked too."""

    registry: str
    endpoints: tuple[str, ...]
    fallback: bool = True


class QuadletFact(Fact):
    """A quadlet: its file name and text. `rootful` is false for one that users run."""

    name: str
    text: str
    rootful: bool = True

    @property
    def skip(self) -> str:
        """What `skip` would name to leave it out: as it is written, or the file."""
        written = self.place.path[:2] == ("systemd", "quadlets")
        return f"systemd.quadlets.{self.name}" if written or not self.lifted else self.lifted


class Admin(Fact):
    """A user that may become root without a password."""

    name: str


class Facts(Record):
    """All facts of a config. Lists are in the order of the source."""

    _: KW_ONLY
    hostname: Text | None = None
    timezone: Text | None = None
    time_servers: tuple[Text, ...] = ()
    sysctl: tuple[Setting, ...] = ()
    modules: tuple[Module, ...] = ()
    certificates: tuple[Certificates, ...] = ()
    proxy: ProxyFact | None = None
    mirrors: tuple[Mirror, ...] = ()
    admins: tuple[Admin, ...] = ()
    quadlets: tuple[QuadletFact, ...] = ()

    def over(self, other: Facts) -> Facts:
        """These facts with those of `other` over them: single ones replace, entries of lists replace those of the same name."""
        values: dict[str, Any] = {
            name: getattr(other, name) or getattr(self, name) for name in ("hostname", "timezone", "proxy")
        }
        values.update((name, _joined(getattr(self, name), getattr(other, name), key)) for name, key in LISTS.items())
        return Facts(**values)


# The lists of facts, and what tells the entries of each apart.
LISTS = {
    "time_servers": "value",
    "sysctl": "key",
    "modules": "name",
    "certificates": "name",
    "mirrors": "registry",
    "admins": "name",
    "quadlets": "name",
}


def _joined(first: tuple[Fact, ...], second: tuple[Fact, ...], key: str) -> tuple[Fact, ...]:
    found = {getattr(each, key): each for each in first}
    found.update({getattr(each, key): each for each in second})
    return tuple(found.values())


class Plan(Record):
    """What one target is to write.

    `config` is the rest in the newest version of the Ignition language, without what facts were taken from. `mounted` are the indexes of
    the filesystems that get a mount unit where the target mounts itself (their units are not in `config` then).
    `native` is the text of `targets.NAME`, checked, without skip; `native_where` gives the place of a path in it. `source` is the name of
    the config, for comments; `pretty` indents JSON.
    """

    chosen: Chosen
    facts: Facts
    config: Config
    _: KW_ONLY
    mounted: frozenset[int] = frozenset()
    native: Mapping[str, Any] = field(default_factory=dict)
    native_place: Place | None = None
    native_where: Callable[[Path], Place] | None = None
    source: str = ""
    pretty: bool = False

    def place(self, *path: str | int) -> Place:
        """The place in the source of what `path` (field names and indexes) names in `config`."""
        return place_of(self.config, path)

    def is_admin(self, user: str) -> bool:
        return any(admin.name == user for admin in self.facts.admins)

    @property
    def heading(self) -> str:
        """The line that outputs begin with, without the mark of a comment."""
        name = "".join(char if char.isprintable() else "?" for char in self.source)  # a line end would end the comment
        return f"Made by butane-py from {name} for {self.chosen}. Do not edit."
