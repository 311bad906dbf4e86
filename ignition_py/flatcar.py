"""Flatcar Container Linux: what it takes besides the spec. An image asks for it with IGNITION_FLATCAR=1.

Configs of spec 1 and 2 are translated (spec/legacy), `oem://` names files of the OEM partition, user data for cloud-init or a
shell counts as no config, and the kernel arguments and the firmware key of old are looked at (providers/cmdline.py, qemu.py).
Source: Flatcar's documentation, "Ignition" and "Boot process".
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ignition_py.report.diag import Report
    from ignition_py.spec.tables import Config

SETTING = "IGNITION_FLATCAR"
CONFIG_URLS = ("flatcar.config.url", "coreos.config.url")
FIRMWARE_KEY = "opt/org.flatcar-linux/config"


def wanted(environ: Mapping[str, str]) -> bool:
    """Does the image ask for Flatcar's ways?"""
    return environ.get(SETTING, "") not in ("", "0", "no", "false")


def accept() -> None:
    """From here on `oem://` is a source."""
    from ignition_py.spec.legacy import accept_oem

    accept_oem()


def other_user_data(data: bytes) -> str | None:
    """What user data is that is meant for somebody else, None where it may be a config."""
    from ignition_py.spec import kinds

    return kinds.other_user_data(data)


def read_legacy(data: bytes, source: str) -> tuple[Config | None, Report] | None:
    """A config of spec 1 or 2 at the newest version, with its report; None where the text is no such config."""
    from ignition_py.spec import legacy

    return legacy.read(data, source) if legacy.legacy_version(data) is not None else None
