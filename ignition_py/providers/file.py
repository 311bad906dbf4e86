"""Platform `file`, for tests and containers: the config is `config.ign`, or what IGNITION_CONFIG_FILE names."""

from __future__ import annotations

from ignition_py.providers import Machine, read_whole
from ignition_py.report.diag import IgnitionError


def fetch(machine: Machine) -> bytes | None:
    """The file's contents. Raises IgnitionError."""
    path = machine.setting("CONFIG_FILE", "config.ign")
    try:
        data = read_whole(path)
    except OSError as error:
        raise IgnitionError(f"reading the config {path}: {error.strerror}", hint="See IGNITION_CONFIG_FILE") from None
    machine.found(path)
    return data
