"""Many downloads from a slow server: the fetch and the files stage, against those of a reference program.

    python benchmarks/fetch.py [--reference PATH] [--runs N]     (as root; IGNITION_REFERENCE instead of --reference)

20 files of 1 MB from a server on this machine that begins each answer 50 ms late. Every run is a process of its own and
writes into a new root. Printed are the fastest runs, in seconds: the stages fetch and files, and files by itself, with
nothing fetched ahead; of each the whole processes, and the fetching: by the program's own log, from its first question to
when the last contents are there. Both programs run in turns, against the same server. The bar is for the fetching.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, Queue

FILES = 20
SIZE = 1_000_000  # bytes
DELAY = 0.05  # seconds
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BAR = 5.0
FETCHING = "files: fetching"
# Lines of a log between which contents are fetched: the questions, and what is said when the contents are there.
MARKS = ("GET http://", "resources ahead: done", "[finished] writing file")


def contents(number: int) -> bytes:
    return hashlib.shake_128(b"%d" % number).digest(SIZE)


def serve(port: Queue[int]) -> None:
    """Answers `/N` with `contents(N)`; keeps connections open."""
    bodies = [contents(number) for number in range(FILES)]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = bodies[int(self.path.strip("/"))]
            time.sleep(DELAY)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()


def config(port: int) -> str:
    files = [
        {
            "path": f"/data/{number}",
            "contents": {
                "source": f"http://127.0.0.1:{port}/{number}",
                "verification": {"hash": f"sha512-{hashlib.sha512(contents(number)).hexdigest()}"},
            },
        }
        for number in range(FILES)
    ]
    return json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": files}})


class Program:
    """An executor: how it is started, and its best times."""

    def __init__(self, name: str, argv: list[str]) -> None:
        self.name = name
        self.argv = argv
        self.best: dict[str, float] = {}
        self.moments: list[float] = []  # of log lines with one of MARKS

    def run(self, folder: str, *stages: str) -> None:
        """Runs the stages in a new root and checks what they have written."""
        root = os.path.join(folder, "root")
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(os.path.join(folder, "run"), ignore_errors=True)
        os.makedirs(f"{root}/etc/selinux")
        with open(f"{root}/etc/selinux/config", "w") as file:
            file.write("SELINUX=disabled\nSELINUXTYPE=none\n")
        os.makedirs(os.path.join(folder, "run"))
        if "fetch" not in stages:
            self.stage(folder, root, "fetch-offline")
        self.moments.clear()
        start = time.perf_counter()
        for stage in stages:
            self.stage(folder, root, stage)
        took = time.perf_counter() - start
        for number in range(FILES):
            with open(f"{root}/data/{number}", "rb") as file:
                assert file.read() == contents(number)
        name = " + ".join(stages)
        for label, seconds in ((name, took), (f"{name}: fetching", max(self.moments) - min(self.moments))):
            self.best[label] = min(seconds, self.best.get(label, seconds))

    def stage(self, folder: str, root: str, stage: str) -> None:
        run = os.path.join(folder, "run")
        flags = ["-platform", "file", "-stage", stage, "-root", root, "-log-to-stdout"]
        flags += ["-config-cache", f"{run}/config", "-state-file", f"{run}/state", "-neednet", f"{run}/neednet"]
        os.makedirs(f"{folder}/bin", exist_ok=True)
        if not os.path.lexists(f"{folder}/bin/setfiles"):  # labels are no part of this
            os.symlink(shutil.which("true") or "/bin/true", f"{folder}/bin/setfiles")
        path = f"{folder}/bin:{os.environ.get('PATH', '')}"
        env = {**os.environ, "PATH": path, "IGNITION_CONFIG_FILE": f"{folder}/config.ign", "PYTHONPATH": HERE}
        lines: list[str] = []
        with subprocess.Popen(
            [*self.argv, *flags], env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if any(mark in line for mark in MARKS) and ".ignition-result" not in line:
                    self.moments.append(time.perf_counter())
                lines.append(line)
        if process.returncode:
            sys.exit(f"{self.name}, stage {stage}:\n" + "".join(line for line in lines if line.startswith("CRITICAL")))


def measure(programs: list[Program], folder: str, runs: int) -> None:
    for _ in range(runs):
        for program in programs:
            program.run(folder, "fetch", "files")
            program.run(folder, "files")


def main() -> int:
    parser = argparse.ArgumentParser(description="Downloads side by side, measured.")
    parser.add_argument("--reference", default=os.environ.get("IGNITION_REFERENCE", ""))
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    programs = [Program("ignition-py", [sys.executable, "-m", "ignition_py"])]
    if options.reference:
        programs.append(Program("reference", [options.reference]))
    told: Queue[int] = Queue()
    server = Process(target=serve, args=(told,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/config.ign", "w") as file:
            file.write(config(told.get()))
        measure(programs, folder, options.runs)
    server.kill()
    return report(programs)


def report(programs: list[Program]) -> int:
    """Prints the times; 1 where the bar is missed."""
    ours, *others = programs
    for label in ours.best:
        for program in programs:
            print(f"{label:<18} {program.name:<12} {program.best[label]:.3f} s")
        for other in others:
            bar = f" (bar {BAR:g})" if label == FETCHING else ""
            print(f"{label:<18} {other.best[label] / ours.best[label]:.1f} x faster than {other.name}{bar}")
    return int(any(other.best[FETCHING] < BAR * ours.best[FETCHING] for other in others))


if __name__ == "__main__":
    sys.exit(main())
