"""Writes the golden outputs anew, and compares them with the reference where REFERENCE_BUTANE names it. Run from the tree's top:

PYTHONPATH=.:tests/butane REFERENCE_BUTANE=/path/to/butane python tests/butane/golden/make.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from tests.butane.sugar_cases import CASES, config, make_files, rows, unpacked


def main() -> int:
    reference = os.environ.get("REFERENCE_BUTANE")
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        for name, case in CASES.items():
            golden = {}
            for row in rows(case):
                text = config(case, row)
                result = compile_source(text, "golden", Options(folder))
                assert result.output is not None, (name, row, [entry.raw() for entry in result.report])
                golden[str(row)] = {"output": unpacked(result.output), "warnings": [entry.code for entry in result.report]}
                if reference:
                    ran = subprocess.run([reference, "-d", folder], input=text, capture_output=True, check=False)
                    if unpacked(ran.stdout.decode()) != unpacked(result.output) + "\n":
                        differing += 1
                        sys.stderr.write(f"{name} at {row}: {ran.stderr.decode()}\n{ran.stdout.decode()}{result.output}\n")
            assert golden, name
            path = os.path.join(os.path.dirname(__file__), f"{name}.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(golden, file, indent=1, ensure_ascii=False)
                file.write("\n")
    sys.stderr.write(f"{len(CASES)} cases, {differing} outputs differ from the reference\n")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
