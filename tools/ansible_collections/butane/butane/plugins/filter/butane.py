"""The filter `butane`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.butane.butane.plugins.plugin_utils.compiling import compiled, warn

DOCUMENTATION = """
name: butane
short_description: a Butane config as an Ignition config
version_added: 0.1.0
description:
  - Compiles a Butane config, with the variables that it declares, into the Ignition config that a machine boots with.
  - Mistakes fail the task, with the line and the column of each. Warnings are warnings of Ansible.
  - The filter runs on the control node. C(ignition-py) has to be installed for the Python that runs Ansible.
notes:
  - Give the task C(no_log: true) where the config holds secrets, and the secrets as C(secret_vars); messages then leave them out.
positional: vars
options:
  _input:
    description: The text of the config.
    type: string
    required: true
  vars:
    description: Values of the variables that the config declares. A name that it does not declare is an error.
    type: dictionary
    default: {}
  secret_vars:
    description: The same for secrets. No message shows them.
    type: dictionary
    default: {}
  host_vars:
    description:
      - Values as an inventory has them, weaker than C(vars). Names that the config does not declare are ignored.
      - Usually C(hostvars[inventory_hostname]).
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
    description:
      - The platform or consumer that gets the config, as of C(butane-py build --for).
      - The result is then the user data in the first form that the platform takes.
    type: string
  secrets:
    description: With C(platform), C(inline) leaves secrets in user data that others can read; they are refused otherwise.
    type: string
    choices: [inline]
  strict:
    description: Warnings are errors.
    type: boolean
    default: false
  pretty:
    description: Indent the JSON.
    type: boolean
    default: false
  name:
    description: What messages call the config.
    type: string
    default: <config>
"""
EXAMPLES = """
- name: Write the Ignition config of each host
  ansible.builtin.copy:
    content: "{{ lookup('file', 'node.bu') | butane.butane.butane(host_vars=hostvars[inventory_hostname], name='node.bu') }}"
    dest: "out/{{ inventory_hostname }}.ign"
    mode: "0600"
  delegate_to: localhost
  no_log: true
"""
RETURN = """
_value:
  description: The Ignition config as JSON, a MachineConfig as YAML.
  type: string
"""


def butane(
    text: Any,
    vars: Mapping[str, Any] | None = None,  # noqa: A002  # the name of the parameter
    *,
    secret_vars: Mapping[str, Any] | None = None,
    host_vars: Mapping[str, Any] | None = None,
    snippets: Sequence[str] = (),
    **more: Any,
) -> str:
    """The Ignition config of a Butane config. Raises AnsibleFilterError with the report of a config that has errors."""
    unknown = sorted(more.keys() - {"files_dir", "platform", "secrets", "strict", "pretty", "name"})
    if unknown:
        raise AnsibleFilterError(f"there is no parameter {unknown[0]!r}; `ansible-doc -t filter butane.butane.butane` lists them")
    made = compiled(text, vars=vars, secret_vars=secret_vars, host_vars=host_vars, snippets=snippets, **more)
    if made.output is None:
        raise AnsibleFilterError(f"the config has errors\n{made.pretty()}")
    warn(made.warnings)
    return str(made.user_data)


class FilterModule:
    """The filter, as Ansible finds it."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """The filter by its name."""
        return {"butane": butane}
