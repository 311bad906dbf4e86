"""Programs and systems that read configs, by the newest version of the Ignition language that each of their releases reads.

A consumer is a row, and a release with a new version a pair in it. A release between two that are listed reads what the older one reads.
"""

from __future__ import annotations

from butane_py.deliver.platforms import LIKELY, SURE
from ignition_py.record import KW_ONLY, Record


class Release(Record):
    """A release from which on a consumer reads the minor version `spec` of the Ignition language. source: where that is known from."""

    version: str
    spec: int
    source: str
    confidence: str = SURE

    @property
    def key(self) -> tuple[int, ...]:
        """The version as numbers, for comparing."""
        return version_key(self.version)


class Consumer(Record):
    """What reads configs on their way to a machine, or on it.

    name: what --for names. releases: the oldest first; the last one counts where --for names no version. refusal: what happens to a
    newer config. outer: True if only the config that is handed over is read, not one that it names in `ignition.config.replace`.
    machine_config: True if MachineConfigs are what it takes.
    """

    name: str
    title: str
    releases: tuple[Release, ...]
    _: KW_ONLY
    refusal: str
    outer: bool = False
    machine_config: bool = False

    def release(self, version: str) -> Release | None:
        """The release that decides what a version reads: the newest that is not newer; the last for ""; None for an older version."""
        if not version:
            return self.releases[-1]
        return next((each for each in reversed(self.releases) if each.key <= version_key(version)), None)


def version_key(text: str) -> tuple[int, ...]:
    """The numbers of a version, as in 43.20260217.3.1. Raises ValueError for other texts."""
    return tuple([int(part) for part in text.removeprefix("v").split(".")]) if text else ()


_SPECS = "Ignition, specification versions and Ignition releases"
_BOOT = "the first boot fails"

CONSUMERS = (
    Consumer(
        "ignition", "Ignition, by its release",
        (
            Release("2.0.0", 0, _SPECS), Release("2.3.0", 1, _SPECS), Release("2.7.0", 2, _SPECS), Release("2.11.0", 3, _SPECS),
            Release("2.15.0", 4, _SPECS), Release("2.20.0", 5, _SPECS), Release("2.26.0", 6, "date of Ignition pull request 2202", LIKELY),
            Release("2.27.0", 6, "Ignition, configuration specifications"),
        ),
        refusal=_BOOT,
    ),
    Consumer(
        "fcos", "Fedora CoreOS, by its version",
        (
            Release("34.20210711", 3, "date of Ignition 2.11.0", LIKELY),
            Release("37.20230303", 4, "fedora-coreos-config pull request 2260", LIKELY),
            Release("41.20241109", 5, "date of Ignition 2.20.0", LIKELY),
            Release("43.20260217", 5, "coreos-installer issue 1591"),
            Release("43.20260331", 6, "fedora-coreos-config pull request 4070", LIKELY),
            Release("44.20260510", 6, "coreos-installer issue 1749", LIKELY),
        ),
        refusal=_BOOT,
    ),
    Consumer(
        "flatcar", "Flatcar Container Linux, by its version",
        (
            Release("3185.0.0", 3, "Flatcar documentation, Ignition specification"),
            Release("3510.2.0", 3, "terraform-provider-ct pull request 159"),
            Release("3602.2.0", 4, "Flatcar issue 1261", LIKELY),
        ),
        refusal=_BOOT,
    ),
    Consumer(
        "debian", "Debian's package ignition, by Debian's release", (Release("12", 3, "the package: Ignition 2.14.0"),), refusal=_BOOT,
    ),
    Consumer(
        "openshift", "OpenShift's Machine Config Operator, by OpenShift's release",
        (
            Release("4.6", 1, "openshift-docs pull request 29436"),
            Release("4.7", 2, "openshift-docs issue 46827"),
            Release("4.14", 4, "Machine Config Operator pull request 3814"),
            Release("4.19", 5, "Machine Config Operator pull request 4903"),
            Release("4.22", 5, "Butane issue 715"),
        ),
        refusal="the machine config pool is degraded", machine_config=True,
    ),
    Consumer(
        "coreos-installer", "coreos-installer: install -i, iso and pxe customize",
        (
            Release("0.17.0", 4, "coreos-installer release notes"),
            Release("0.23.0", 4, "coreos-installer issue 1591"),
            Release("0.26.0", 5, "coreos-installer issue 1749"),
        ),
        refusal="it refuses the config", outer=True,
    ),
    Consumer(
        "matchbox", "matchbox, folder ignition/", (Release("", 4, "matchbox's source of August 2026: it reads with config/v3_4"),),
        refusal="it logs a warning and serves an empty config", outer=True,
    ),
    Consumer(
        "matchbox-assets", "matchbox, folder assets/", (Release("", 7, "matchbox's documentation: assets are served as they are"),),
        refusal="nothing: it does not read configs",
    ),
    Consumer(
        "ct", "Terraform provider ct",
        (
            Release("0.10.0", 3, "terraform-provider-ct release notes"),
            Release("0.13.0", 4, "terraform-provider-ct release notes"),
        ),
        refusal="an error; and older configs are upgraded", outer=True,
    ),
    Consumer(
        "caprke2", "Cluster API provider RKE2", (Release("", 3, "cluster-api-provider-rke2 pull request 180"),),
        refusal="it refuses the config", outer=True,
    ),
)  # fmt: skip
BY_NAME = {consumer.name: consumer for consumer in CONSUMERS}
