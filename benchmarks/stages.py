"""What ignition-py weighs in an initramfs and what its stages cost, beside the reference: the tables of docs/performance.md.

    /usr/bin/python3 benchmarks/stages.py --reference /path/to/ignition [--rounds 3] [--here] [--json FILE]

First the sizes. Then boots the machine that the tests boot, copies the executor as the initramfs has it (and the reference)
into memory there, and has stages_guest.py run them in turns: each stage with nothing to do, then all stages of the quickstart, of
a config with 20 downloads of 1 MB that begin 50 ms late (over http, and over https with an authority of its own), and of one with
four disks. Both log to the journal, as in a boot. Of the rounds the least counts, of each figure by itself. `--here` measures the
starts and the downloads on this machine instead, in a mount namespace with a socket that stands for the journal's. A stage that
fails, ours or the reference's, ends it all: exit status 1, no table. Needs what tools/setup.sh vm installs, openssl, and root.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

QUICK_DISK, DISK = "1G", "256M"
ROUNDS = 3

Figures = dict[str, dict[str, Any]]  # executor -> "starts" or job -> figures, see stages_guest.py


def unpacked(folder: Path) -> None:
    """The executor's part of the initramfs, below `folder`."""
    from tests.vm.vmlab.image import REPOSITORY, tree
    from tests.vm.vmlab.initramfs import inside

    work = folder / "work"
    script = """set -e
python3 -m ignition_py.initrd.stage /tmp/out/tree >/tmp/out/natives
while read -r source target; do mkdir -p "/tmp/out/tree$(dirname "$target")"; cp "$source" "/tmp/out/tree$target"; done </tmp/out/natives
"""
    inside(tree(_say), REPOSITORY, str(work), script)
    shutil.move(work / "tree", folder / "tree")
    shutil.rmtree(work)


def sizes(reference: str) -> str:
    """The table of `ignition-py initrd size`, with the binary that was given."""
    argv = [sys.executable, "-m", "ignition_py", "initrd", "size", "--tools", "none"]
    text = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    if reference:
        packed = subprocess.run(["zstd", "-19", "-q", "-c", reference], check=True, capture_output=True).stdout
        text += f"| the reference's binary of this run | 1 | {Path(reference).stat().st_size / 1e6:.2f} | {len(packed) / 1e6:.2f} |\n"
    return text


def measure(reference: str, rounds: int) -> Figures:
    from stages_guest import DISKS, OURS

    from tests.vm.vmlab.machine import Machine
    from tests.vm.vmlab.quickstart import compile_config

    executors = {OURS: "/usr/bin/ignition"}
    with tempfile.TemporaryDirectory() as name:
        share = Path(name) / "share"
        share.mkdir()
        unpacked(share)
        make_certificates(share)
        shutil.copy(ROOT / "benchmarks/stages_guest.py", share)
        if reference:
            shutil.copy(reference, share / "reference")
            executors["reference"] = "/dev/shm/reference"
        with (
            Machine(
                name, disks=[QUICK_DISK] + [DISK] * DISKS, shares={"bench": str(share)}, memory=3072, say=_say
            ) as machine,
            machine.boot(first_boot=False) as boot,
        ):
            boot.wait_until_up()
            prepare = "mkdir /bench && mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,ro bench /bench"
            copy = "cp -r /bench/tree/. / && { [ ! -e /bench/reference ] || cp /bench/reference /dev/shm/; }"
            done = boot.ask(f"{prepare} && {copy} && udevadm settle", timeout=120)
            if done.rc != 0:
                sys.exit(f"preparing the machine failed: {done}")
            argv = ["python3", "/bench/stages_guest.py", json.dumps(executors), compile_config().decode(), str(rounds), "/bench"]
            answer = boot.run(argv, timeout=1800)
    if answer.rc != 0:
        sys.exit(f"nothing has been measured:\n{answer.stderr}")
    result: Figures = json.loads(answer.stdout.splitlines()[-1])
    return result


def make_certificates(folder: Path) -> None:
    """`server.pem` and `server.key`: a certificate for 127.0.0.1 that signs itself."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7"]
    argv += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*argv, "-keyout", folder / "server.key", "-out", folder / "server.pem"], check=True, capture_output=True)


def measure_here(reference: str, rounds: int) -> Figures:
    """The starts and the downloads, on this machine."""
    import stages_guest as guest
    from journal import listen_as_journal

    from ignition_py.initrd.stage import PREFIX, stage

    listen_as_journal()
    with tempfile.TemporaryDirectory() as name:
        make_certificates(Path(name))
        for source, target in stage(f"{name}/tree", f"{name}/tree{PREFIX}"):
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        # What was written for that prefix lies below it twice.
        subprocess.run(["cp", "-r", f"{name}/tree{name}/tree/.", f"{name}/tree/"], check=True)
        executors = [guest.Executor(guest.OURS, f"{name}/tree/usr/bin/ignition")]
        executors += [guest.Executor("reference", reference)] if reference else []
        jobs = ((guest.HTTP, guest.downloads(guest.serve())), (guest.HTTPS, guest.downloads(guest.serve(name), name)))
        try:
            for number in range(rounds):
                for executor in executors[:: -1 if number % 2 else 1]:
                    guest.starts(executor, f"{name}/run")
                    for job, config in jobs:
                        guest.provision(executor, f"{name}/run", job, config, guest.STAGES, overlay=False)
        except guest.Failed as error:
            sys.exit(f"nothing has been measured:\n{error}")
    return {executor.name: {"starts": executor.starts, **executor.jobs} for executor in executors}


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def row(name: str, *pairs: tuple[float, float | None], digits: int) -> str:
    """A line of a table: ours, the reference's and their ratio, for each pair."""
    cells = []
    for ours, theirs in pairs:
        cells += [f"{ours:.{digits}f}", *(("-", "-") if theirs is None else (f"{theirs:.{digits}f}", f"{ours / theirs:.2f} x"))]
    return f"| {name} | {' | '.join(cells)} |"


def show(result: Figures) -> None:
    """The tables of starts and of whole boots."""

    def start(who: str, stage: str) -> float | None:
        return min(result[who]["starts"][stage]) if who in result else None

    def total(who: str, job: str, which: int) -> float | None:
        return min(sum(figures[which] for figures in stages.values()) for stages in result[who][job]) if who in result else None

    print("| stage, nothing to do | CPU, ms | reference | |")
    print("| --- | ---: | ---: | ---: |")
    for stage in result["ignition-py"]["starts"]:
        print(row(stage, (start("ignition-py", stage) or 0.0, start("reference", stage)), digits=1))
    print("\n| all stages | CPU, ms | reference | | time, ms | reference | |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    from stages_guest import JOBS

    for job in JOBS:
        if job in result["ignition-py"]:
            print(row(job, *((total("ignition-py", job, i) or 0.0, total("reference", job, i)) for i in (0, 1)), digits=0))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--reference", default="", help="the reference's binary")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--here", action="store_true", help="the starts and the downloads, on this machine")
    options.add_argument("--json", help="write every figure to this file")
    chosen = options.parse_args()
    print(sizes(chosen.reference), flush=True)
    result = (measure_here if chosen.here else measure)(chosen.reference, chosen.rounds)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(result, indent=1))
    show(result)


if __name__ == "__main__":
    main()
