"""What the image that the stage runs in has set for it."""

from __future__ import annotations

import os

from ignition_py.report.diag import StageError


def image_setting(name: str, default: bool) -> bool:
    """A setting in the environment of the stage, which is the image's. Raises StageError for what is neither true nor false."""
    value = os.environ.get(name) or str(default).lower()
    if value not in ("true", "1", "false", "0"):
        raise StageError(f"{name} is {value!r}", hint="The image has to set it to true or false")
    return value in ("true", "1")
