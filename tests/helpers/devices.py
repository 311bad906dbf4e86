"""How long the executor waits for a device, in tests."""

from __future__ import annotations

import pytest

from ignition_py.system import udev


def wait_at_most(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """For every device, whatever systemd on this machine says (in a virtual machine it runs, and says 90 s)."""
    monkeypatch.setattr(udev, "device_timeouts", lambda log, devices, default: dict.fromkeys(devices, seconds))
