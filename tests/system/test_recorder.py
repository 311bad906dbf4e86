"""system/recorder.py: no record is lost or cut, whoever writes at the same time."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from ignition_py.system.recorder import Recorder


def test_records_of_many_threads(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "run/report.jsonl"), "disks")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=_record, args=(recorder, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    recorder.end()
    records = [json.loads(line) for line in Path(recorder.path).read_text().splitlines()]
    assert sorted(record["what"] for record in records[:-1]) == sorted(f"{number}-{step}" for number in range(8) for step in range(500))
    assert records[-1]["kind"] == "end"
    assert Path(recorder.path).stat().st_mode & 0o777 == 0o600


def _record(recorder: Recorder, number: int) -> None:
    for step in range(500):
        recorder.step(f"{number}-{step}", time.monotonic())
        if step % 7 == 0:
            recorder.flush()
