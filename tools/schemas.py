"""Writes schemas/ from the language tables: `python tools/schemas.py`. With --check: says whether the files are in step.

    schemas/ignition/VERSION.json           8 versions of the Ignition spec
    schemas/butane/VARIANT-VERSION.json     34 rows of Butane
    schemas/butane.json                     all rows: it looks at a config's variant and version
    schemas/machine-config.json             what is written around an Ignition config for OpenShift
    schemas/strict/...                      the same for editors: no keys that mean nothing
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE))

from butane_py.schemas import butane_schema, dispatching_schema, machine_config_schema  # noqa: E402  # the tree itself, not what is installed
from butane_py.variants import VARIANTS  # noqa: E402
from ignition_py.spec.schema import ignition_schema  # noqa: E402
from ignition_py.spec.tables import VERSIONS  # noqa: E402


def wanted() -> dict[Path, str]:
    """Every schema file and its text."""
    files = {TREE / "schemas" / "machine-config.json": _text(machine_config_schema())}
    for folder, strict in (("", False), ("strict", True)):
        base = TREE / "schemas" / folder
        for version in VERSIONS:
            files[base / "ignition" / f"{version}.json"] = _text(ignition_schema(version, strict=strict))
        files[base / "butane.json"] = json.dumps(dispatching_schema(strict=strict), ensure_ascii=False) + "\n"
        for variant, version in VARIANTS:
            files[base / "butane" / f"{variant}-{version}.json"] = _text(butane_schema(variant, version, strict=strict))
    return files


def _text(schema: object) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main(argv: list[str]) -> int:
    files = wanted()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    extra = [path for path in (TREE / "schemas").rglob("*.json") if path not in files]
    if argv == ["--check"]:
        for path in [*stale, *extra]:
            print(f"out of step: {path.relative_to(TREE)}")
        return 1 if stale or extra else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    for path in extra:
        path.unlink()
    print(f"{len(files)} schemas, {len(stale)} written, {len(extra)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
