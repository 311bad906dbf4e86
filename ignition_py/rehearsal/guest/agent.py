"""Runs in the test image's real root: answers the host's questions over a virtio-serial port.

One JSON object per line each way. Asked `{"argv": [...], "timeout": seconds, "stdin": text}` it runs the program and
answers `{"rc": status, "stdout": text, "stderr": text}`; rc is null where the program did not end in time. The first
line it sends, unasked, is `{"ready": true}`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any, BinaryIO

PORT = "/dev/virtio-ports/ignition-py.agent"


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Runs what was asked for."""
    try:
        done = subprocess.run(
            question["argv"], input=question.get("stdin", "").encode(), capture_output=True,
            timeout=question.get("timeout", 60), check=False, cwd="/",
        )
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        code, out, err = None, late.stdout or b"", late.stderr or b""
    except OSError as error:
        code, out, err = 127, b"", str(error).encode()
    return {"rc": code, "stdout": out.decode(errors="replace"), "stderr": err.decode(errors="replace")}


def serve(port: BinaryIO) -> None:
    """Reads questions until the host goes away."""
    send(port, {"ready": True})
    for line in port:
        send(port, answer(json.loads(line)))


def send(port: BinaryIO, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[port.write(data) :]


def main() -> None:
    while not os.path.exists(PORT):
        time.sleep(0.05)
    with open(PORT, "r+b", buffering=0) as port:
        serve(port)  # the raw file's iterator reads up to each newline


if __name__ == "__main__":
    main()
