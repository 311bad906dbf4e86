"""The report of a boot: what each stage did, when and for how long, as a file of one JSON object a line.

    cli.py makes a `Recorder` for the stage and hangs it on the log; steps (log.py), fetching (fetch/fetcher.py) and the
    files stage tell it; stages/files/report.py copies the file into the new root; ignition_py/boot_report.py reads it.

The file is only appended to, readable by root only, and holds no secrets: paths, device names, URLs as logs show them.
Times are seconds of CLOCK_MONOTONIC, the same clock for every process of a boot. docs/status.md describes the records.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock  # threading costs 14 of a stage's 74 Minstr, with the journal on
from collections.abc import Iterable, Iterator
from typing import Any

from ignition_py import quickjson as json
from ignition_py.system.host import boot_id, write_all

NAME = "report.jsonl"
_WAITING = 64  # records that are kept back to be written together


class Recorder:
    """Appends the records of one run of a stage. That the file cannot be written never fails a stage."""

    def __init__(self, path: str, stage: str) -> None:
        self.path = path
        self._stage = stage
        self._start = time.monotonic()
        self._lines: list[str] = []
        self._lock = allocate_lock()  # of _lines and the file: downloads and disks record in threads

    def begin(self, platform: str, version: str) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._add({"kind": "stage", "start": self._start, "at": at, "boot": boot_id(), "pid": os.getpid(),
                   "platform": platform, "version": version})  # fmt: skip
        self.flush()

    def step(self, what: str, start: float, *, ok: bool = True) -> None:
        """A piece of work that has ended now. `start` by time.monotonic()."""
        self._add({"kind": "step", "what": what, "start": start, "took": time.monotonic() - start, "ok": ok})

    def warning(self, what: str) -> None:
        """Something that a person should know; see Log.warning."""
        self._add({"kind": "warning", "what": what, "start": time.monotonic()})

    def watched(self, chunks: Iterable[bytes], what: str, source: str) -> Iterator[bytes]:
        """Passes a download on and records it when it ends. `source` is the URL as logs may show it."""
        start, size, ok = time.monotonic(), 0, False
        try:
            for chunk in chunks:
                size += len(chunk)
                yield chunk
            ok = True
        finally:
            took = time.monotonic() - start
            self._add({"kind": "resource", "what": what, "source": source, "bytes": size, "start": start, "took": took, "ok": ok})

    def end(self, failure: dict[str, Any] | None = None) -> float:
        """The stage has ended; `failure` says why it failed (failure.py). How many seconds it took."""
        with self._lock:
            self._lines.append(self.end_line(failure))
        self.flush()
        return time.monotonic() - self._start

    def end_line(self, failure: dict[str, Any] | None = None) -> str:
        record: dict[str, Any] = {"kind": "end", "start": self._start, "took": time.monotonic() - self._start, "ok": failure is None}
        if failure is not None:
            record["failure"] = failure
        return self._line(record)

    def contents(self) -> bytes:
        """All that has been recorded in this boot."""
        self.flush()
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except OSError:
            return b""

    def _line(self, record: dict[str, Any]) -> str:
        for name in ("start", "took"):
            if name in record:
                record[name] = round(record[name], 6)
        return json.dumps({"kind": record.pop("kind"), "stage": self._stage, **record}) + "\n"

    def _add(self, record: dict[str, Any]) -> None:
        with self._lock:
            self._lines.append(self._line(record))
            full = len(self._lines) >= _WAITING
        if full:
            self.flush()

    def flush(self) -> None:
        """Writes what has been kept back."""
        with self._lock:
            data = "".join(self._lines).encode()
            self._lines.clear()
            if data:
                self._append(data)

    def _append(self, data: bytes) -> None:
        try:
            os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
            fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                write_all(fd, data)
            finally:
                os.close(fd)
        except OSError:  # provisioning matters more than its report
            return
