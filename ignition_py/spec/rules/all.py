"""Every rule of the Ignition language, and the check of a config by all of them."""

from __future__ import annotations

from ignition_py.spec.model import Struct
from ignition_py.spec.rules import disks, encryption, filesystems, nodes, raid, resources, storage, transfer, units
from ignition_py.spec.rules.registry import SPEC, Finding, Findings

# Importing them registers their rules.
MODULES = (disks, encryption, filesystems, nodes, raid, resources, storage, transfer, units)


def validate(config: Struct, version: int) -> list[Finding]:
    """Everything that is wrong with `config` (a Config, or any structure of one) at minor `version`."""
    findings = Findings(version)
    SPEC.walk(config, findings, keys=True)
    return findings.found
