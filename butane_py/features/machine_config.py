"""OpenShift: the Ignition config is completed for the machine-config operator and wrapped into a MachineConfig."""

from __future__ import annotations

from butane_py.features.grub import append_as_contents
from butane_py.yaml.source import Whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from butane_py import tables
    from butane_py.compilation import Compilation
    from ignition_py.spec import tables as spec

FIPS_CIPHER_UNTIL = 20  # from 4.20 on RHCOS picks a cipher that FIPS allows by itself
FIPS_CIPHER = ("--cipher", "aes-cbc-essiv:sha256")
GRUB_AS_CONTENTS_SINCE = 23
_FIELDS = (
    ("extensions", "extensions"),
    ("fips", "fips"),
    ("kernel_arguments", "kernelArguments"),
    ("kernel_type", "kernelType"),
)


def complete(work: Compilation, config: tables.Config, output: spec.Config) -> spec.Config:
    """`output` with what FIPS mode needs; with --raw, warnings for what an Ignition config alone cannot carry."""
    if work.row.openshift >= GRUB_AS_CONTENTS_SINCE:
        output = append_as_contents(output)
    if config.openshift.fips and work.row.openshift < FIPS_CIPHER_UNTIL and output.storage.luks:
        luks = tuple(_fips(work, each) for each in output.storage.luks)
        output = output.but(storage=output.storage.but(luks=luks))
    if work.options.raw:
        for name, _ in _FIELDS:
            if config.openshift.has(name):
                work.warning(
                    "field-elided",
                    f"{name} has no effect with --raw: it is not part of an Ignition config",
                    ("openshift", name),
                )
    return output


def _fips(work: Compilation, luks: spec.Luks) -> spec.Luks:
    """A cipher that FIPS mode allows, unless the config names one."""
    if any(option in ("--cipher", "-c") or option.startswith("--cipher=") for option in luks.options):
        return luks
    changed = luks.but(options=luks.options + FIPS_CIPHER)
    if luks.has("options"):
        return changed
    origin = Whole(work.source, ("openshift", "fips"))
    return changed.but(_sources={**(luks._sources or {}), "options": origin})


def check_twice(work: Compilation, config: tables.Config) -> None:
    """Errors for list entries of the MachineConfig itself that are given twice."""
    for name in ("kernel_arguments", "extensions"):
        seen: set[str] = set()
        for i, item in enumerate(getattr(config.openshift, name)):
            if item in seen:
                work.error("duplicate", f"{item!r} is given twice", ("openshift", name, i))
            seen.add(item)


def wrap(config: tables.Config, data: dict[str, Any]) -> dict[str, Any]:
    """The MachineConfig around an Ignition config's data."""
    spec: dict[str, Any] = {"config": data}
    for name, key in _FIELDS:
        value = getattr(config.openshift, name)
        if value is not None and value != ():
            spec[key] = list(value) if isinstance(value, tuple) else value
    metadata: dict[str, Any] = {"name": config.metadata.name}
    if config.metadata.labels:
        metadata["labels"] = config.metadata.labels
    return {
        "apiVersion": "machineconfiguration.openshift.io/v1",
        "kind": "MachineConfig",
        "metadata": metadata,
        "spec": spec,
    }
