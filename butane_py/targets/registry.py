"""The registry of targets: which there are, and which one `--target NAME[@VERSION][:FLAVOUR]` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from butane_py.targets.model import Chosen, Target

# Name -> the module with the row `TARGET`, or with a tuple of rows `TARGETS`.
MODULES: dict[str, str] = {
    "fcos": "butane_py.targets.ignition",
    "flatcar": "butane_py.targets.ignition",
    "microos": "butane_py.targets.ignition",
    "cloud-init": "butane_py.targets.cloud_init",
    "combustion": "butane_py.targets.combustion",
    "kairos": "butane_py.targets.kairos",
    "bottlerocket": "butane_py.targets.bottlerocket",
    "nixos": "butane_py.targets.nixos",
    "talos": "butane_py.targets.talos",
    "bootc": "butane_py.targets.bootc",
    "systemd-credentials": "butane_py.targets.credentials",
}
NAMES = tuple(MODULES)


def load(name: str) -> Target:
    """The row of a target. Raises KeyError for an unknown name."""
    from importlib import import_module

    targets: dict[str, Target] = import_module(MODULES[name]).TARGETS
    return targets[name]


def choose(text: str) -> Chosen:
    """The target that `NAME[@VERSION][:FLAVOUR]` names. Raises TargetError."""
    from butane_py.targets.model import Chosen, TargetError

    head, _, flavour = text.partition(":")
    name, at, version = head.partition("@")
    if name not in MODULES:
        raise TargetError(f"there is no target {name!r}; {nearest(name)}")
    target = load(name)
    if at and version not in target.versions:
        known = f"it has {', '.join(target.versions)}" if target.versions else "it has no versions"
        raise TargetError(f"the target {name} has no version {version!r}; {known}")
    if ":" in text and flavour not in target.flavours:
        known = f"it has {', '.join(target.flavours)}" if target.flavours else "it has no flavours"
        raise TargetError(f"the target {name} has no flavour {flavour!r}; {known}")
    return Chosen(target, version or target.default_version, flavour or (target.flavours[0] if target.flavours else ""))


def nearest(name: str) -> str:
    """Words on what a name that no target has may have been meant for: `did you mean talos?`, or all names."""
    from difflib import get_close_matches

    close = get_close_matches(name.lower()[:40], NAMES, 1, 0.7)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(NAMES)}"
