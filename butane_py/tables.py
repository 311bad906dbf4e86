"""The Butane language: the structures of base.py with the fields that features add to them."""

from __future__ import annotations

from butane_py import features
from butane_py.base import (
    CaReference,
    ConfigReference,
    Dropin,
    File,
    Filesystem,
    Ignition,
    Luks,
    Passwd,
    PasswdUser,
    Resource,
    Storage,
    Systemd,
    Unit,
)
from butane_py.features.boot_device import BootDevice
from butane_py.features.machine_config import Config, OpenShift
from butane_py.features.quadlets import Quadlet
from butane_py.features.trees import Tree

FEATURES = features.FEATURES

__all__ = ["BootDevice", "CaReference", "Config", "ConfigReference", "Dropin", "File", "Filesystem", "Ignition", "Luks", "OpenShift",
           "Passwd", "PasswdUser", "Quadlet", "Resource", "Storage", "Systemd", "Tree", "Unit"]  # fmt: skip
