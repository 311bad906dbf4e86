"""Flatcar Container Linux: what it takes besides the spec. An image asks for it with IGNITION_FLATCAR=1.

Configs of spec 1 and 2 are translated (spec/legacy), `oem://` names files of the OEM partition, user data for cloud-init or a
shell counts as no config, and the kernel arguments and the firmware key of old are looked at (providers/cmdline.py, qemu.py).
Source: Flatcar's documentation, "Ignition" and "Boot process".
"""

from __future__ import annotations

from collections.abc import Mapping

SETTING = "IGNITION_FLATCAR"
CONFIG_URLS = ("flatcar.config.url", "coreos.config.url")
FIRMWARE_KEY = "opt/org.flatcar-linux/config"


def wanted(environ: Mapping[str, str]) -> bool:
    """True if the image asks for Flatcar's ways."""
    return environ.get(SETTING, "") not in ("", "0", "no", "false")


def accept_oem() -> None:
    """Makes `oem:///path`, a file of the OEM partition, a source of the language from here on."""
    from ignition_py.spec.rules.resources import SCHEMES  # rules, which stages of other images do not import

    SCHEMES["oem"] = 0
