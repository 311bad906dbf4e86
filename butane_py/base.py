"""The structures that the Butane language shares with the Ignition language.

They derive from those of `ignition_py.spec.tables` and inherit their fields under their snake-case names. Each file in
features/ adds the fields of one piece of sugar; `butane_py/tables.py` is the whole language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ignition_py.spec import tables as spec
from ignition_py.spec.model import NEVER, field


class Resource(spec.Resource):
    """Contents: fetched from a URL, written here, or read from a local file."""


class ConfigReference(spec.ConfigReference):
    """Another Ignition config, to be merged or to replace this one."""


class CaReference(spec.CaReference):
    """A bundle of certificate authorities (PEM)."""


class IgnitionConfig(spec.IgnitionConfig):
    """Other configs that belong to this one."""


class TLS(spec.TLS):
    """Settings for https."""


class Security(spec.Security):
    """Security of fetching."""


class Ignition(spec.Ignition):
    """How to fetch what this config names."""

    version: str = field("Written by the compiler.", since=NEVER)


class PasswdUser(spec.PasswdUser):
    """A user account."""


class Passwd(spec.Passwd):
    """Accounts."""


class File(spec.File):
    """A file."""


class Filesystem(spec.Filesystem):
    """A filesystem, its making and its mounting."""


class Luks(spec.Luks):
    """A LUKS2 volume."""


class Storage(spec.Storage):
    """Disks and what is on them."""


class Dropin(spec.Dropin):
    """A drop-in of a systemd unit or a quadlet."""


class Unit(spec.Unit):
    """A systemd unit."""


class Systemd(spec.Systemd):
    """systemd units and quadlets."""


class Config(spec.Config):
    """A Butane config."""

    if TYPE_CHECKING:  # inherited fields, bound to the structures of this module
        passwd: Passwd
        storage: Storage
        systemd: Systemd

    variant: str = field("Which operating system the config is for.", required=True)
    version: str = field("Version of the variant's specification.", required=True)
    ignition: Ignition = field("How to fetch what this config names.")
