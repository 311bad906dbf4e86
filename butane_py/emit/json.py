"""The output as text: Ignition JSON, as the reference writes it. A MachineConfig is YAML: see emit_yaml.py."""

from __future__ import annotations

from typing import Any

from ignition_py.spec.encode import to_json


def emit_json(data: dict[str, Any], *, pretty: bool) -> str:
    """`data` as JSON, without a final newline. A byte that is not UTF-8 is written as U+FFFD, escaped."""
    text = to_json(data, indent=2 if pretty else None)
    if not bad_bytes(text):
        return text
    import re

    return re.sub(_BAD, r"\\ufffd", text)


_BAD = "[\udc80-\udcff]"  # what `surrogateescape` makes of bytes that are not UTF-8


def bad_bytes(text: str) -> bool:
    """Are there bytes in it that are not UTF-8?"""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def without_bad_bytes(data: Any) -> Any:
    """`data` with U+FFFD for every byte that is not UTF-8."""
    if isinstance(data, dict):
        return {key: without_bad_bytes(value) for key, value in data.items()}
    if isinstance(data, list):
        return [without_bad_bytes(item) for item in data]
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in data) if isinstance(data, str) else data
