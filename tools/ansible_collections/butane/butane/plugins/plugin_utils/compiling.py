"""What the plugins share: the compiler, its reports as warnings and errors of Ansible."""

from __future__ import annotations

import sys
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

display = Display()


def compiled(text: Any, *, name: str = "<config>", strict: bool = False, platform: str = "", secrets: str = "", **given: Any) -> Any:
    """The `Handover` of a Butane config (butane_py/integrations/handover.py). Raises AnsibleFilterError for arguments that are wrong."""
    try:
        from butane_py.compilation import Options
        from butane_py.deliver.model import DeliveryError
        from butane_py.fleet.texts import Text
        from butane_py.integrations.handover import hand_over
    except ImportError as error:
        raise AnsibleFilterError(missing(error)) from None
    if not isinstance(text, str):
        raise AnsibleFilterError(f"the config is a {type(text).__name__}: give its text, such as lookup('file', 'node.bu')")
    if secrets not in ("", "inline"):
        raise AnsibleFilterError(f"secrets is {secrets!r}: write inline, or leave it out")
    options = Options(given.pop("files_dir", None) or None, pretty=given.pop("pretty", False))
    wanted = Text(text, name, options=options, **{key: value for key, value in given.items() if value})
    try:
        return hand_over(wanted, strict=strict, marked=True, recipient=platform, secrets=secrets)
    except (DeliveryError, TypeError) as error:
        raise AnsibleFilterError(str(error)) from None


def missing(error: ImportError) -> str:
    """The sentence for a control node without the compiler."""
    return f"{error}: install ignition-py for the Python that runs Ansible ({sys.executable} -m pip install ignition-py)"


def warn(lines: list[str]) -> None:
    """Shows warnings, as Ansible does."""
    for line in lines:
        display.warning(line)
