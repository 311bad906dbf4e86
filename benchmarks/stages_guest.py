"""Runs in the machine that stages.py boots: measures stages of both executors there, and prints one JSON object.

Arguments: {executor: path} and the quickstart's config, as JSON, how many rounds, and the folder with the certificates of the
https server. In each round the executors take turns at each job, the first of them another one each time; every figure is
kept. CPU is user and system time of the process and of all that it started. Stages log to the journal, as in a boot. A stage
that fails ends the measuring with exit status 1 and what it said.
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import resource
import shutil
import ssl
import subprocess
import sys
import threading
import time

OURS = "ignition-py"
STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")
# Images skip the fetch stage where fetch-offline has found the config.
OFFLINE = tuple(stage for stage in STAGES if stage != "fetch")
DOWNLOADS, DELAY, SIZE = 20, 0.05, 1 << 20  # files, seconds until an answer begins, bytes
DISKS = 4
QUICKSTART, HTTP, HTTPS, FOUR_DISKS = JOBS = ("quickstart", "20 downloads, http", "20 downloads, https", "four disks")
STARTS = 3  # of each stage in a round
QUICKSTART_DISK = 1  # its serial is disk1; those of the four disks follow
VERSION = "3.4.0"


class Failed(Exception):
    """A stage that had to succeed did not; the message ends with what it said."""


class Executor:
    """A program, and every figure of it: job -> figures of each round."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.path = path
        self.starts: dict[str, list[float]] = {stage: [] for stage in STAGES}
        self.jobs: dict[str, list[dict[str, list[float]]]] = {}


class Run:
    """One first boot of an executor: a folder with its root, its config and its state."""

    def __init__(self, executor: Executor, folder: str, config: dict[str, object]) -> None:
        self.executor = executor
        self.folder = folder
        self.root = f"{folder}/root"
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("root", "state", "bin", "upper", "work"):
            os.makedirs(f"{folder}/{name}")
        with open(f"{folder}/config.ign", "w") as file:
            json.dump(config, file)
        self._labels = executor.name != OURS
        if self._labels:
            os.symlink(shutil.which("true") or "/bin/true", f"{folder}/bin/setfiles")
        self.environment = {
            "PATH": f"{folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "IGNITION_CONFIG_FILE": f"{folder}/config.ign",
        }

    def prepare(self, root: str) -> None:
        """The reference, as it is built by default, fails where it cannot label what it mounts and writes: labels are no part of
        this, so it finds a policy's name, and a setfiles that does nothing. We look whether there is a policy."""
        os.makedirs(f"{root}/etc/selinux")
        if self._labels:
            with open(f"{root}/etc/selinux/config", "w") as file:
                file.write("SELINUX=disabled\nSELINUXTYPE=targeted\n")

    def argv(self, stage: str) -> list[str]:
        files = ["-config-cache", f"{self.folder}/cache", "-neednet", f"{self.folder}/neednet"]
        files += ["-state-file", f"{self.folder}/state/state"]
        return [self.executor.path, "-stage", stage, "-platform", "file", "-root", self.root, *files]

    def stage(self, stage: str) -> list[float]:
        """Milliseconds of CPU, milliseconds by the clock. Raises Failed."""
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(self.argv(stage), env=self.environment, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        took, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            text = (_journal() + done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise Failed(f"{self.executor.name}: stage {stage} failed (exit status {done.returncode}):\n{text}")
        return [(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, took * 1e3]


def _journal() -> bytes:
    """The last lines of the journal, where there is one: what a failed stage said."""
    if shutil.which("journalctl") is None:
        return b""
    return subprocess.run(["journalctl", "-n", "20", "-o", "cat", "--no-pager"], capture_output=True, check=False).stdout


def starts(executor: Executor, folder: str) -> None:
    """Each stage with a config that gives it nothing to do."""
    run = Run(executor, folder, {"ignition": {"version": VERSION}})
    run.prepare(run.root)
    for stage in STAGES:
        for _ in range(STARTS):
            executor.starts[stage].append(run.stage(stage)[0])


def provision(
    executor: Executor, folder: str, job: str, config: dict[str, object], stages: tuple[str, ...], *, overlay: bool = True
) -> None:
    """The stages of a first boot, on a copy-on-write view of this machine's root or in an empty one. Raises Failed."""
    run = Run(executor, folder, config)
    run.prepare(f"{folder}/upper" if overlay else run.root)
    if overlay:
        options = f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", run.root], check=True)
    try:
        executor.jobs.setdefault(job, []).append({stage: run.stage(stage) for stage in stages})
        storage = config.get("storage")
        for file in storage.get("files", ()) if isinstance(storage, dict) else ():
            if not os.path.exists(run.root + file["path"]) and not file["path"].startswith("/var/lib/data/"):
                raise Failed(f"{executor.name}: {job}: {file['path']} is not there")
    finally:
        if overlay:
            subprocess.run(["umount", "-R", run.root], check=True)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class Late(http.server.BaseHTTPRequestHandler):
    """Every answer begins late; connections are kept, as servers do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    body = bytes(SIZE)

    def do_GET(self) -> None:
        time.sleep(DELAY)
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


def serve(certificates: str = "") -> int:
    """Begins to serve, over https where there is a folder with `server.pem` and `server.key`; the port."""
    server = Server(("127.0.0.1", 0), Late)
    if certificates:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{certificates}/server.pem", f"{certificates}/server.key")
        # Handshakes are made by the threads that answer, not one after the other by the one that accepts.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def downloads(port: int, certificates: str = "") -> dict[str, object]:
    """20 files over http, or over https with an authority of the config's own."""
    url = f"{'https' if certificates else 'http'}://127.0.0.1:{port}"
    ignition: dict[str, object] = {"version": VERSION}
    if certificates:
        with open(f"{certificates}/server.pem", "rb") as file:
            authority = "data:;base64," + base64.b64encode(file.read()).decode()
        ignition["security"] = {"tls": {"certificateAuthorities": [{"source": authority}]}}
    files = [{"path": f"/etc/download-{i}", "contents": {"source": f"{url}/{i}"}} for i in range(DOWNLOADS)]
    return {"ignition": ignition, "storage": {"files": files}}


def disks() -> dict[str, object]:
    """`DISKS` blank disks, a partition and an ext4 filesystem on each."""
    names = [f"disk{QUICKSTART_DISK + 1 + i}" for i in range(DISKS)]
    return {
        "ignition": {"version": VERSION},
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


def blank() -> None:
    """Makes the disks of earlier runs look unused."""
    for number in range(QUICKSTART_DISK, QUICKSTART_DISK + 1 + DISKS):
        disk = f"/dev/disk/by-id/virtio-disk{number}"
        parts = [path for i in (1, 2) if os.path.exists(path := f"{disk}-part{i}")]
        for path in (*parts, disk):
            subprocess.run(["wipefs", "-aq", path], check=True)
    subprocess.run(["udevadm", "settle"], check=True)


def main() -> None:
    executors = [Executor(name, path) for name, path in json.loads(sys.argv[1]).items()]
    quickstart, rounds, certificates = json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    plain, secure = serve(), serve(certificates)
    folder = "/dev/shm/bench"
    for number in range(rounds):
        for executor in executors[:: -1 if number % 2 else 1]:
            starts(executor, folder)
            blank()
            provision(executor, folder, QUICKSTART, quickstart, OFFLINE)
            provision(executor, folder, HTTP, downloads(plain), STAGES)
            provision(executor, folder, HTTPS, downloads(secure, certificates), STAGES)
            provision(executor, folder, FOUR_DISKS, disks(), OFFLINE)
    print(json.dumps({executor.name: {"starts": executor.starts, **executor.jobs} for executor in executors}))


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(str(error))
