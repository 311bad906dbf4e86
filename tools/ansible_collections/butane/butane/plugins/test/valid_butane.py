"""The test `valid_butane`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.butane.butane.plugins.plugin_utils.compiling import compiled, warn

DOCUMENTATION = """
name: valid_butane
short_description: true for a Butane config without errors
version_added: 0.1.0
description:
  - Compiles a Butane config as the filter C(butane.butane.butane) does. What is wrong with it are warnings of Ansible.
options:
  _input:
    description: The text of the config.
    type: string
    required: true
  vars:
    description: Values of the variables that the config declares.
    type: dictionary
    default: {}
  secret_vars:
    description: The same for secrets.
    type: dictionary
    default: {}
  host_vars:
    description: Values as an inventory has them; names that the config does not declare are ignored.
    type: dictionary
    default: {}
  snippets:
    description: Texts of further configs, merged over the config from left to right.
    type: list
    elements: string
    default: []
  files_dir:
    description: Directory that local files and includes come from. None are read without it.
    type: path
  platform:
    description: The platform or consumer that gets the config; one that it does not fit is an error.
    type: string
  secrets:
    description: With C(platform), C(inline) leaves secrets in user data that others can read; they are refused otherwise.
    type: string
    choices: [inline]
  strict:
    description: Warnings are errors.
    type: boolean
    default: false
  name:
    description: What messages call the config.
    type: string
    default: <config>
"""
EXAMPLES = """
- name: Check a config before anything is changed
  ansible.builtin.assert:
    that: lookup('file', 'node.bu') is butane.butane.valid_butane(host_vars=hostvars[inventory_hostname])
"""
RETURN = """
_value:
  description: True for a config without errors.
  type: boolean
"""


def valid_butane(text: Any, **given: Any) -> bool:
    """True for a Butane config without errors. Raises AnsibleFilterError for arguments that are wrong."""
    made = compiled(text, **given)
    warn([*made.lines("error"), *made.warnings])
    return made.output is not None


class TestModule:
    """The test, as Ansible finds it."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """The test by its name."""
        return {"valid_butane": valid_butane}
