"""What the stages cost in a virtual machine, beside the reference in the same run, as tables for docs/performance.md.

    python benchmarks/stages.py --reference /path/to/ignition [--here]

Boots the machine that the tests boot, copies the executor as the initramfs has it (and the reference) into memory there, and has
stages_guest.py run them: each stage with nothing to do, then all stages of the quickstart, of a config with 20 downloads of 1 MB
that begin 50 ms late, and of one with four disks. `--here` measures the starts on this machine instead, without a virtual one.
Needs what tools/setup.sh vm installs, and root.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/vm")]

QUICK_DISK, DISK = "1G", "256M"


def unpacked(folder: Path) -> None:
    """The executor's part of the initramfs, below `folder`."""
    from vmlab.image import REPOSITORY, tree
    from vmlab.initramfs import inside

    work = folder / "work"
    script = """set -e
python3 -m ignition_py.initrd.stage /tmp/out/tree >/tmp/out/natives
while read -r source target; do mkdir -p "/tmp/out/tree$(dirname "$target")"; cp "$source" "/tmp/out/tree$target"; done </tmp/out/natives
"""
    inside(tree(print), REPOSITORY, str(work), script)
    shutil.move(work / "tree", folder / "tree")
    shutil.rmtree(work)


def measure(reference: str) -> dict[str, dict[str, dict[str, object]]]:
    from vmlab.machine import Machine
    from vmlab.quickstart import compile_config

    config = json.loads(compile_config())
    text = json.dumps(config)
    executors = {"ignition-py": "/usr/bin/ignition"}
    quickstart = {"ignition-py": text}
    with tempfile.TemporaryDirectory() as name:
        share = Path(name) / "share"
        share.mkdir()
        unpacked(share)
        shutil.copy(ROOT / "benchmarks/stages_guest.py", share)
        if reference:
            shutil.copy(reference, share / "reference")
            executors["reference"] = "/dev/shm/reference"
            quickstart["reference"] = text.replace("virtio-disk1", "virtio-disk2")
        sizes = [QUICK_DISK] * 2 + [DISK] * 8
        with (
            Machine(name, disks=sizes, shares={"bench": str(share)}, memory=3072, say=print) as machine,
            machine.boot(first_boot=False) as boot,
        ):
            boot.wait_until_up()
            prepare = "mkdir /bench && mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro bench /bench"
            copy = "cp -r /bench/tree/. / && { [ ! -e /bench/reference ] || cp /bench/reference /dev/shm/; }"
            done = boot.ask(f"{prepare} && {copy} && udevadm settle", timeout=120)
            assert done.rc == 0, done
            argv = ["python3", "/bench/stages_guest.py", json.dumps(executors), json.dumps(quickstart)]
            answer = boot.run(argv, timeout=900)
            sys.stderr.write(answer.stderr)
            assert answer.rc == 0, answer
    result: dict[str, dict[str, dict[str, object]]] = json.loads(answer.stdout.splitlines()[-1])
    return result


def measure_here(reference: str) -> dict[str, dict[str, dict[str, object]]]:
    """The starts alone, on this machine."""
    from ignition_py.initrd.stage import PREFIX, stage

    sys.path.insert(0, str(ROOT / "benchmarks"))
    from stages_guest import starts

    with tempfile.TemporaryDirectory() as name:
        for source, target in stage(f"{name}/tree", f"{name}/tree{PREFIX}"):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        # What was written for that prefix lies below it twice.
        subprocess.run(["cp", "-r", f"{name}/tree{name}/tree/.", f"{name}/tree/"], check=True)
        result = {}
        for who, path in (("ignition-py", f"{name}/tree/usr/bin/ignition"), ("reference", reference)):
            if path:
                (Path(name) / who).mkdir()
                result[who] = {"starts": starts(path, f"{name}/{who}")}
    return result  # type: ignore[return-value]


def show(result: dict[str, dict[str, dict[str, object]]]) -> None:
    ours, theirs = result["ignition-py"], result.get("reference")
    print("| stage, nothing to do | CPU to the first line, ms | reference | | whole process, ms | reference | |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for stage, mine in ours["starts"].items():
        cells = []
        for kind in ("first", "whole"):
            value = mine[kind]  # type: ignore[index]
            other = theirs["starts"][stage][kind] if theirs else 0  # type: ignore[index]
            cells += [f"{value:.1f}", f"{other:.1f}", f"{value / other:.1f} x" if other else "-"]
        print(f"| {stage} | {' | '.join(cells)} |")
    if "quickstart" not in ours:
        return
    print("\n| all stages | CPU, ms | reference | | time, ms | reference | |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for what in ("quickstart", "20 downloads", "four disks"):
        cells = []
        for kind in ("cpu", "took"):
            value = ours[what][kind]
            other = theirs[what][kind] if theirs else 0
            cells += [f"{value:.0f}", f"{other:.0f}", f"{value / other:.2f} x" if other else "-"]  # type: ignore[operator, str-format]
        print(f"| {what} | {' | '.join(cells)} |")
    for who, found in result.items():
        for what in ("quickstart", "20 downloads", "four disks"):
            bad = {stage: values for stage, values in found[what]["stages"].items() if values[2]}  # type: ignore[attr-defined]
            if bad:
                print(f"\n{who}, {what}: failed: {bad}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--reference", default="", help="the reference's binary")
    options.add_argument("--here", action="store_true", help="the starts alone, on this machine")
    options.add_argument("--json", help="write every figure to this file")
    chosen = options.parse_args()
    result = (measure_here if chosen.here else measure)(chosen.reference)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(result, indent=1))
    show(result)


if __name__ == "__main__":
    main()
