"""Mutated configs against the compiler: no traceback, no hang (twenty times what a plain config of 2,000 files takes), no memory over 500 MB, no answer that contradicts itself.

    PYTHONPATH=.:tests/butane python tests/butane/fuzz.py --count 100000 [--seed 0] [--jobs 2]

The same seed gives the same configs. What fails is printed as a line of JSON (seed, input, reason), so that it can be run again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from functools import cache

from butane_py import tables
from butane_py.compilation import Options
from butane_py.pipeline import compile_source
from butane_py.variants import VARIANTS
from ignition_py.report.catalog import load
from ignition_py.spec.model import Struct
from tests.butane.sugar_cases import CASES, ROLE, config, make_files, rows

TIMES = 20  # the time that a plain config of 2,000 files takes on this machine, which a config may take
MEMORY = 500 << 20  # bytes
_SCALARS = ["0644", "644", "0o7", "0x1", "1_000", "1e3", "1.5", ".inf", "-1", "99999999999999999999", "yes", "no", "true", "null", "~", "''", '""', "''", "[]", "{}", "[a]", "{a:b}", "&x", "*x", "!!str", "!!int", "!!binary", "/etc/x", "/a//b", "data:,x", "data:;base64,eA==", "http://x/y", "s3://b/k", "../up", "tree", "one.txt", "sha256-ab", "gzip", "raid1", "swap", "ext4", "a.service", "a@b.service", "x.container", "root", "s390x-eckd", "x86_64", "2001-01-01", "12:30", "<<", "|", ">", "|2-", ">+", "?", ":", "-", "#", "%", "@", "`", "é", "😀", "\ufeff", "\u2028", "\x85"]
_BYTES = [b"\x00", b"\xff", b"\xfe\xff", b"\t", b"\r", b"\r\n", b"\xc3", b"\xed\xa0\x80", b"\x1b", b"\x7f", b"\xe2\x80\xa8"]
_LINE = re.compile(r"^(\s*(?:- )*)([\w.]+):( ?)(.*)$")


def _names(cls: type[Struct], found: set[type[Struct]]) -> Iterator[str]:
    found.add(cls)
    for entry in cls.FIELDS.values():
        yield entry.name
        if entry.struct is not None and entry.struct not in found:
            yield from _names(entry.struct, found)


NAMES = sorted(set(_names(tables.Config, set())))
SEEDS = [config(case, row).decode() for case in CASES.values() for row in rows(case)]


def _scalar(line: str, rnd: random.Random) -> str:
    found = _LINE.match(line)
    return f"{found[1]}{found[2]}: {rnd.choice(_SCALARS)}" if found else line + rnd.choice(_SCALARS)


def _rename(line: str, rnd: random.Random) -> str:
    return re.sub(r"^(\s*(?:- )*)\w+:", lambda found: f"{found[1]}{rnd.choice(NAMES)}:", line)


def _mutate_lines(text: str, rnd: random.Random) -> str:
    lines = text.split("\n")
    i, j = rnd.randrange(len(lines)), rnd.randrange(len(lines))
    kind = rnd.randrange(9)
    if kind < 3:
        lines[i] = _scalar(lines[i], rnd)
    elif kind == 3:
        del lines[i]
    elif kind == 4:
        lines[i:i] = lines[j : j + rnd.randrange(1, 8)] * rnd.choice((1, 1, 2, 50))
    elif kind == 5:
        lines[i] = _rename(lines[i], rnd)
    elif kind == 6:
        lines[i] = rnd.choice(("  ", " ", "\t", "- ", "? ", "&x ", "*x", "<<: ")) + lines[i].lstrip(rnd.choice((" ", "")))
    elif kind == 7:
        donor = rnd.choice(SEEDS).split("\n")
        lines[i:i] = donor[rnd.randrange(len(donor)) :]
    else:
        row = rnd.choice(list(VARIANTS.values()))
        lines[:2] = [f"variant: {row.name}", f"version: {row.version}", *(ROLE.split("\n")[:-1] if rnd.random() < 0.2 else [])]
    return "\n".join(lines)


def _mutate_bytes(data: bytes, rnd: random.Random) -> bytes:
    at = rnd.randrange(len(data) + 1)
    kind = rnd.randrange(5)
    if kind == 0:
        return data[:at] + rnd.choice(_BYTES) + data[at:]
    if kind == 1:
        return data[:at] + bytes([rnd.randrange(256)]) + data[at + 1 :]
    if kind == 2:
        return data[:at]
    if kind == 3:
        return data[:at] + rnd.choice((b"[", b"{", b"- ", b"? ", b"&a [*a, ", b'"', b"!!x ")) * rnd.choice((1, 3, 300)) + data[at:]
    return data[:at] + rnd.choice(b"{}[]:,#&*!|>'\"%@`-? \n".split(b" ")) + data[at:]


def made(seed: int) -> bytes:
    """The config of one seed."""
    rnd = random.Random(seed)
    text = rnd.choice(SEEDS)
    for _ in range(rnd.choice((1, 1, 2, 3, 6))):
        text = _mutate_lines(text, rnd)
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(rnd.choice((0, 0, 0, 1, 2))):
        data = _mutate_bytes(data, rnd)
    return data


@cache
def allowed() -> float:
    """Seconds of CPU that one config may take here, however fast the machine is and however busy."""
    lines = "".join(f"    - path: /etc/{number}\n" for number in range(2_000))
    text = f"variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n{lines}"
    start = time.process_time()
    compile_source(text.encode(), "plain", Options(lint=True))
    return TIMES * (time.process_time() - start)


def memory_now() -> int:
    """Bytes of memory that this process takes; the peak, which `memory_peak` reads, begins anew here. Source: proc(5), clear_refs."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return _memory("VmRSS")


def memory_peak() -> int:
    """The most bytes of memory that this process has taken since `memory_now`."""
    return _memory("VmHWM")


def _memory(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(f"{name}:"))


def checked(data: bytes, folder: str | None) -> str:
    """What is wrong with how `data` is compiled; empty where nothing is."""
    limit = allowed()
    start = time.process_time()
    try:
        result = compile_source(data, "fuzz", Options(folder, lint=True))
        for entry in result.report:
            entry.raw()
    except Exception:
        return traceback.format_exc(limit=-4)
    if (seconds := time.process_time() - start) > limit:
        return f"{seconds:.1f} seconds, where {limit:.1f} are allowed"
    if (result.output is None) != result.report.fatal:
        return "output and report contradict each other"
    if result.output is not None and not result.output.startswith("#"):
        json.loads(result.output)
    known = load()
    unknown = [entry.code for entry in result.report if entry.code not in known]
    return f"unknown codes {unknown}" if unknown else ""


def run(seeds: range, folder: str) -> list[dict[str, object]]:
    """Failures of a range of seeds."""
    failures: list[dict[str, object]] = []
    before = memory_now()
    for seed in seeds:
        data = made(seed)
        problem = checked(data, folder if seed % 5 else None)
        if problem:
            failures.append({"seed": seed, "input": data.decode("utf-8", "backslashreplace"), "problem": problem})
    peak = memory_peak() - before
    if peak > MEMORY:
        failures.append({"seed": seeds.start, "problem": f"peak memory {peak >> 20} MiB within {len(seeds)} configs"})
    return failures


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    wanted = parser.parse_args()
    children = []
    with tempfile.TemporaryDirectory() as folder:
        make_files(folder)
        for job in range(wanted.jobs):
            child = os.fork()
            if child == 0:
                failures = run(range(wanted.seed + job, wanted.seed + wanted.count, wanted.jobs), folder)
                sys.stdout.write("".join(json.dumps(failure) + "\n" for failure in failures))
                sys.stdout.flush()
                os._exit(bool(failures))
            children.append(child)
        failed = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.stderr.write(f"{wanted.count} configs from seed {wanted.seed}: {'failures' if any(failed) else 'no failure'}\n")
    return int(any(failed))


if __name__ == "__main__":
    sys.exit(main())
