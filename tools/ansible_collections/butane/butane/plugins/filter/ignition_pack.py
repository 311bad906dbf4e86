"""The filter `ignition_pack`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.butane.butane.plugins.plugin_utils.compiling import missing, warn

DOCUMENTATION = """
name: ignition_pack
short_description: an Ignition config in the first form that a platform takes
version_added: 0.1.0
description:
  - Gives an Ignition config as it is where the platform takes so much user data, else compressed as a whole inside of a small config.
  - A config that is too large in both forms, or newer than the recipient reads, fails the task.
positional: platform
options:
  _input:
    description: The Ignition config, as text or as data.
    type: raw
    required: true
  platform:
    description: The platform or consumer, as of C(butane-py build --for).
    type: string
    required: true
"""
EXAMPLES = """
- name: User data that EC2 takes
  ansible.builtin.set_fact:
    user_data: "{{ lookup('file', 'node.ign') | butane.butane.ignition_pack('aws') }}"
"""
RETURN = """
_value:
  description: The user data, before any encoding.
  type: string
"""


def ignition_pack(config: Any, platform: str) -> str:
    """The user data of an Ignition config. Raises AnsibleFilterError for what is no config, or is too large."""
    try:
        from butane_py.integrations.packing import pack
        from ignition_py.report.diag import ConfigError, IgnitionError
    except ImportError as error:
        raise AnsibleFilterError(missing(error)) from None
    text = config if isinstance(config, str) else json.dumps(config)
    try:
        packed = pack(text.encode(), platform)
    except ConfigError as error:
        raise AnsibleFilterError("\n".join([str(error), *(entry.raw() for entry in error.report)])) from None
    except IgnitionError as error:
        raise AnsibleFilterError(str(error)) from None
    warn([packed.warning] if packed.warning else [])
    return packed.user_data.decode()


class FilterModule:
    """The filter, as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filter by its name."""
        return {"ignition_pack": ignition_pack}
