"""Runs in the machine that stages.py boots: measures stages of both executors there, and prints one JSON object.

Argument: a JSON object {executor: path}. CPU is user and system time of the process and of all that it started; until the first
line it is what the scheduler has counted for its threads when that line arrives.
"""

from __future__ import annotations

import http.server
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time

STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")
ROUNDS = 7
DOWNLOADS, DELAY, SIZE = 20, 0.05, 1 << 20  # files, seconds until an answer begins, bytes
DISKS = 4


def argv(executor: str, stage: str, folder: str, root: str) -> list[str]:
    shared = ["-platform", "file", "-root", root, "-log-to-stdout", "-config-cache", f"{folder}/cache"]
    return [executor, "-stage", stage, *shared, "-neednet", f"{folder}/neednet", "-state-file", f"{folder}/state/state"]


def environment(config: str) -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "IGNITION_CONFIG_FILE": config}


def cpu_until_first_line(command: list[str], env: dict[str, str]) -> float:
    """Milliseconds of CPU when the first line is read; 0 where the process had ended by then."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env) as process:
        assert process.stdout is not None
        process.stdout.readline()
        total = 0
        try:
            for thread in os.listdir(f"/proc/{process.pid}/task"):
                with open(f"/proc/{process.pid}/task/{thread}/schedstat") as file:
                    total += int(file.read().split()[0])
        except OSError:
            pass
        process.stdout.read()
    return total / 1e6


def run(command: list[str], env: dict[str, str]) -> tuple[float, float, int]:
    """Milliseconds of CPU, milliseconds by the clock, exit status."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.stderr.write((done.stdout + done.stderr).decode(errors="replace")[-800:])
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, took * 1e3, done.returncode


def starts(executor: str, folder: str) -> dict[str, dict[str, float]]:
    """Each stage with a config that gives it nothing to do: the least of the rounds."""
    no_selinux(f"{folder}/root")
    os.makedirs(f"{folder}/state")
    env = environment(config_file(folder, {"ignition": {"version": "3.4.0"}}))
    found = {}
    for stage in STAGES:
        command = argv(executor, stage, folder, f"{folder}/root")
        whole = [run(command, env) for _ in range(ROUNDS)]
        first = [cpu_until_first_line(command, env) for _ in range(ROUNDS)]
        found[stage] = {
            "first": min([value for value in first if value] or [0]),
            "whole": min(cpu for cpu, _, _ in whole),
            "failed": sum(1 for _, _, status in whole if status),
        }
    return found


def no_selinux(root: str) -> None:
    """The reference fails where it finds no settings of SELinux."""
    os.makedirs(f"{root}/etc/selinux")
    with open(f"{root}/etc/selinux/config", "w") as file:
        file.write("SELINUX=disabled\nSELINUXTYPE=targeted\n")


def config_file(folder: str, config: dict[str, object]) -> str:
    with open(f"{folder}/config.ign", "w") as file:
        json.dump(config, file)
    return f"{folder}/config.ign"


def provision(executor: str, folder: str, config: dict[str, object], stages: tuple[str, ...]) -> dict[str, object]:
    """All stages of a first boot on a copy-on-write view of this machine's root."""
    for name in ("upper", "work", "root", "state"):
        os.makedirs(f"{folder}/{name}")
    no_selinux(f"{folder}/upper")
    options = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", f"{folder}/root"], check=True)
    env = environment(config_file(folder, config))
    found: dict[str, object] = {}
    total = [0.0, 0.0]
    for stage in stages:
        cpu, took, status = run(argv(executor, stage, folder, f"{folder}/root"), env)
        found[stage] = [cpu, took, status]
        total = [total[0] + cpu, total[1] + took]
    subprocess.run(["umount", "-R", f"{folder}/root"], check=True)
    return {"stages": found, "cpu": total[0], "took": total[1]}


class Late(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        time.sleep(DELAY)
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(bytes(SIZE))

    def log_message(self, *_: object) -> None:
        pass


def downloads(port: int) -> dict[str, object]:
    files = [
        {"path": f"/etc/download-{i}", "contents": {"source": f"http://127.0.0.1:{port}/{i}"}} for i in range(DOWNLOADS)
    ]
    return {"ignition": {"version": "3.4.0"}, "storage": {"files": files}}


def disks(first: int) -> dict[str, object]:
    """`DISKS` blank disks, a partition and an ext4 filesystem on each."""
    names = [f"disk{first + i}" for i in range(DISKS)]
    return {
        "ignition": {"version": "3.4.0"},
        "storage": {
            "disks": [
                {"device": f"/dev/disk/by-id/virtio-{name}", "wipeTable": True, "partitions": [{"label": name, "number": 1}]}
                for name in names
            ],
            "filesystems": [
                {"device": f"/dev/disk/by-partlabel/{name}", "format": "ext4", "path": f"/var/{name}"} for name in names
            ],
        },
    }


def main() -> None:
    executors: dict[str, str] = json.loads(sys.argv[1])
    quickstart: dict[str, str] = json.loads(sys.argv[2])
    folder = "/dev/shm/bench"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Late)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    offline = tuple(stage for stage in STAGES if stage != "fetch")
    result: dict[str, dict[str, object]] = {}
    for number, (name, path) in enumerate(executors.items()):
        jobs = {
            "starts": lambda path=path, name=name: starts(path, f"{folder}/{name}-starts"),
            "quickstart": lambda path=path, name=name: provision(
                path, f"{folder}/{name}-quick", json.loads(quickstart[name]), offline),
            "20 downloads": lambda path=path, name=name: provision(path, f"{folder}/{name}-net", downloads(server.server_port), STAGES),
            "four disks": lambda path=path, name=name, number=number: provision(
                path, f"{folder}/{name}-disks", disks(3 + number * DISKS), offline),
        }  # fmt: skip
        result[name] = {}
        for what, job in jobs.items():
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            for part in ("starts", "quick", "net", "disks"):
                os.makedirs(f"{folder}/{name}-{part}")
            result[name][what] = job()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
