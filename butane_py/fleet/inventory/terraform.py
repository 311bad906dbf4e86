"""What `terraform output -json` prints: outputs, of which one is chosen with `FILE#OUTPUT`. A sensitive output's values are secrets.

The value of the output is a list of objects or a map of names to objects. Source: Terraform's documentation, "terraform output".
"""

from __future__ import annotations

from butane_py.fleet.inventory.document import pairs, target
from butane_py.yaml.source import MAPPING, Node

TITLE = "what terraform output -json prints"
_KEYS = {"sensitive", "type", "value"}


def recognises(root: Node) -> bool:
    """True for a mapping whose every value has `sensitive`, `type` and `value`."""
    if root.kind != MAPPING or not root.items:
        return False
    return all(target(value).kind == MAPPING and {key.value for key, _ in pairs(target(value))} == _KEYS for _, value in pairs(root))


def output(root: Node, name: str) -> tuple[Node, bool] | None:
    """The value of an output, and whether it is sensitive; None where there is no such output. "" names the only one."""
    found = root.entry(name) if name else root.items[0] if len(root.items) == 1 else None
    if found is None:
        return None
    parts = {key.value: target(value) for key, value in pairs(target(found[1]))}
    return parts["value"], parts["sensitive"].value == "true"
