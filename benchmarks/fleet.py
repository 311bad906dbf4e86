"""Times and peak memory of `butane-py build` for a fleet: many hosts of a config of 10 kB with variables and includes.

    python benchmarks/fleet.py [--hosts 2000] [--jobs 2] [-- OPTIONS OF THE BUILD]

The first build writes every file, the second none. CPU time is that of all processes; memory is the peak resident set of the largest one.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, "-c", "from butane_py.cli.main import run; run()", "build", "node.bu", "-i", "nodes.csv", "--output-dir", "out"]
WORDS = ("alpha", "beta", "gamma", "delta", "unit", "service", "network", "storage", "config", "value", "path", "target", "socket")
HEAD = """variant: flatcar
version: 1.1.0
vars:
  mac: {type: mac, unique: true}
  serial: string
  rack: {type: int, min: 1, max: 60}
  address: {type: cidr, unique: true}
  mtu: {type: int, default: 1500}
  role: {type: string, one_of: [worker, storage]}
  report_url: {type: url, default: "http://boot.example:8080/report/${{ serial }}"}
include: [base.bu, "roles/${{ role }}.bu"]
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents: {inline: "${{ host.name }}"}
    - path: /etc/report
      contents: {inline: "${{ report_url }}"}
    - path: /etc/systemd/network/10.network
      contents:
        inline: |
          [Match]
          MACAddress=${{ mac }}
          [Network]
          Address=${{ address }}
"""
UNIT = """[Unit]
Description=Part {0}
After=network-online.target
[Service]
ExecStart=/usr/bin/app --host ${{{{ host.name }}}} --address ${{{{ address.ip }}}} --mtu ${{{{ mtu }}}}
Restart=always
[Install]
WantedBy=multi-user.target
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS"


def indented(text: str, blanks: int) -> str:
    return "".join(f"{' ' * blanks}{line}\n" for line in text.splitlines())


def lay(folder: Path, hosts: int) -> int:
    """Writes the config, its includes and the inventory; the length of the main file."""
    rnd = random.Random(7)
    node = HEAD
    for number in range(12):
        lines = "\n".join(" ".join(rnd.choices(WORDS, k=8)) for _ in range(6))
        node += f"    - path: /etc/app/{number}.conf\n      mode: 0644\n      contents:\n        inline: |\n{indented(lines, 10)}"
    node += "systemd:\n  units:\n"
    for number in range(8):
        node += f"    - name: app{number}.service\n      enabled: true\n      contents: |\n{indented(UNIT.format(number), 8)}"
    (folder / "node.bu").write_text(node)
    files = "".join(f'    - path: /etc/base/{number}\n      contents: {{inline: "rack ${{{{ rack }}}}"}}\n' for number in range(8))
    users = f"passwd: {{users: [{{name: core, ssh_authorized_keys: [{KEY}]}}]}}\n"
    (folder / "base.bu").write_text(f"vars: {{rack: int}}\nstorage:\n  files:\n{files}{users}")
    (folder / "roles").mkdir()
    for role in ("worker", "storage"):
        (folder / "roles" / f"{role}.bu").write_text(f"storage: {{files: [{{path: /etc/role, contents: {{inline: {role}}}}}]}}\n")
    rows = ["name,mac,serial,rack,address,role\n"]
    for number in range(hosts):
        rack, place = number // 40 % 60 + 1, number % 250 + 1
        mac = f"52:54:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        role = "worker" if number % 10 else "storage"
        rows.append(f"n{number:05},{mac},S{number:05},{rack},10.{number // 62_500}.{number // 250 % 250}.{place}/8,{role}\n")
    (folder / "nodes.csv").write_text("".join(rows))
    return len(node)


def build(folder: Path, jobs: int, *options: str) -> tuple[float, float, float]:
    """Wall and CPU seconds, and MiB, of one build with further options."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["PYTHONPATH"] = str(ROOT)
        os.execvp(PROGRAM[0], [*PROGRAM, "--jobs", str(jobs), *options])
    _, status, _ = os.wait4(child, 0)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        raise SystemExit(f"the build failed: {os.waitstatus_to_exitcode(status)}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("options", nargs="*", metavar="OPTION", help="options of the build, behind --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        size = lay(Path(name), arguments.hosts)
        print(f"{arguments.hosts:,} hosts, config of {size:,} bytes, --jobs {arguments.jobs}")
        for title in ("first build", "second build"):
            wall, cpu, mib = build(Path(name), arguments.jobs, *arguments.options)
            print(f"{title:<14}{wall:6.1f} s {cpu:6.1f} s CPU {mib:6.0f} MiB")


if __name__ == "__main__":
    main()
