"""Butane's sugar. A feature is one file with its structures, its checks and what it becomes; FEATURES has them in the order in
which they are worked out."""

from __future__ import annotations

from butane_py.features import (
    boot_device,
    contents,
    fedora_coreos,
    grub,
    machine_config,
    modes,
    mount_units,
    quadlets,
    ssh_keys,
    trees,
)
from butane_py.features.feature import Feature

FEATURES: tuple[Feature, ...] = (
    contents.FEATURE,
    ssh_keys.FEATURE,
    modes.FEATURE,
    mount_units.FEATURE,
    trees.FEATURE,
    quadlets.FEATURE,
    boot_device.FEATURE,
    fedora_coreos.FEATURE,
    grub.FEATURE,
    machine_config.FEATURE,
)
