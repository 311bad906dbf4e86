"""The schema files that the project publishes, and holding outputs against them with jsonschema.

They are in the folder schemas/ of a clone, and in the package where it is installed.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

IGNITION = "ignition"
MACHINE_CONFIG = "machine-config.json"


def names() -> list[tuple[str, str]]:
    """(variant, version) of every schema; the variant `ignition` is the output's language."""
    from butane_py.variants import VARIANTS
    from ignition_py.spec.tables import VERSIONS

    return [*VARIANTS, *((IGNITION, version) for version in VERSIONS)]


def published(path: str) -> str:
    """The text of a file below schemas/, such as `strict/butane/fcos-1.6.0.json`. Raises OSError."""
    import ignition_py

    package = os.path.dirname(os.path.abspath(ignition_py.__file__))
    folder = os.path.join(package, "schemas")
    if not os.path.isdir(folder):
        folder = os.path.join(os.path.dirname(package), "schemas")
    with open(os.path.join(folder, path), encoding="utf-8") as file:
        return file.read()


def violations(output: str) -> list[str]:
    """Where an output (an Ignition config or a MachineConfig) does not hold to the published schemas, a sentence each.

    Raises OSError where the schemas are not there.
    """
    import json

    if not output.startswith("#"):
        return _violations(json.loads(output), "$")
    from ruamel.yaml import YAML

    whole = YAML(typ="safe", pure=True).load(output)
    found = _against(whole, MACHINE_CONFIG, "$")
    return found or _violations(whole["spec"]["config"], "$.spec.config")


def _violations(config: dict[str, Any], path: str) -> list[str]:
    version = config["ignition"]["version"]
    # Sources of 3.0.0 may be null, by accident of the reference (docs/differences.md).
    return _against(_without_nulls(config) if version == "3.0.0" else config, f"{IGNITION}/{version}.json", path)


def _against(data: object, name: str, path: str) -> list[str]:
    return [f"{path}{error.json_path[1:]}: {error.message}" for error in _validator(name).iter_errors(data)]


@cache
def _validator(name: str) -> Draft202012Validator:
    """The validator of a schema file, made once: a batch holds many outputs against few schemas."""
    import json

    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(published(name)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(below) for key, below in value.items() if below is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
