"""`tools/demo.sh`: compiles the quickstart, boots a virtual machine with it and shows what was provisioned."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import threading
import time

from vmlab.console import FAILURES
from vmlab.image import REPOSITORY, BuildError
from vmlab.machine import BootFailed, Machine
from vmlab.quickstart import CONFIG, DISK, compile_config, inspect

# Console lines that are worth a line here, and what is said about them. The console cuts long unit names short.
_PHASES = (
    (r"Welcome to .*Initramfs", "initramfs is up"),
    (r"Starting .*Ignition \(([a-z-]+)\)", "stage {}"),
    (r"Starting .*Network for Ignition", "network"),
    (r"Stopping .*Ignition \(mount\)|Stopping ignition-mount", "stage umount"),
    (r"Starting .*Switch Root", "entering the real root"),
    (r"Welcome to (?!.*Initramfs)", "real root is up"),
    (r"Reached target .*[Mm]ulti-[Uu]ser", "services are up"),
)


class Screen:
    """Progress: a line per step with the seconds since the start; on a terminal a line below them that counts."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.colours = self._terminal and not os.environ.get("NO_COLOR")
        self._started = time.monotonic()
        self._now = ""
        self._lock = threading.Lock()
        self._done = threading.Event()
        if self._terminal:
            threading.Thread(target=self._tick, daemon=True).start()

    def seconds(self) -> float:
        return time.monotonic() - self._started

    def paint(self, text: str, code: str) -> str:
        """`text` in a colour (an SGR code) where colours are wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours else text

    def say(self, text: str) -> None:
        """One step. What ends in "..." goes on and is shown as what is being done."""
        with self._lock:
            self._now = text.removesuffix(" ...") if text.endswith(" ...") else ""
            self._clear()
            print(f"{self.paint(f'{self.seconds():6.1f} s', '2')}  {text}", flush=True)

    def console(self, when: float, text: str) -> None:
        """Picks from the machine's console what says how far it has got, and what failed."""
        if FAILURES.search(text):
            self.say(self.paint(f"  {when:5.1f} s  {text}", "31"))
            return
        for pattern, said in _PHASES:
            found = re.search(pattern, text)
            if found:
                self.say(f"  {when:5.1f} s  {said.format(*found.groups())}")
                self._now = "booting"
                return

    def end(self) -> None:
        self._done.set()
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._terminal:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

    def _tick(self) -> None:
        while not self._done.wait(0.5):
            with self._lock:
                if self._now:
                    sys.stdout.write(f"\r\x1b[K{self.paint(f'{self.seconds():6.1f} s', '2')}  {self._now} ...")
                    sys.stdout.flush()


def one_line(text: str) -> str:
    return " / ".join(text.splitlines()) or "(none)"


def table(screen: Screen, rows: list[tuple[str, str, str]]) -> str:
    """Item, wanted, found: columns as wide as they need to be and as the terminal allows."""
    width = shutil.get_terminal_size((120, 24)).columns
    first = max(len(item) for item, _, _ in rows)
    rest = max(16, (width - first - 10) // 2)
    second = min(rest, max(len(one_line(wanted)) for _, wanted, _ in rows))

    def cut(text: str) -> str:
        return text if len(text) <= second else text[: second - 1] + "…"

    lines = [f"    {'item':<{first}}  {'wanted':<{second}}  found", f"    {'-' * first}  {'-' * second}  {'-' * second}"]
    for item, wanted, found in rows:
        right = wanted == found
        mark = screen.paint("ok", "32") if right else screen.paint("NO", "31")
        lines.append(f" {mark} {item:<{first}}  {cut(one_line(wanted)):<{second}}  {cut(one_line(found))}")
    return "\n".join(lines)


def provision(screen: Screen, directory: str) -> list[tuple[str, str, str]]:
    """Compiles, boots and inspects. Raises BuildError, BootFailed."""
    screen.say(f"compiling {os.path.relpath(CONFIG, REPOSITORY)} ...")
    config = compile_config()
    screen.say(f"compiled: {len(config)} bytes of Ignition config")
    with Machine(directory, disks=[DISK], config=config, say=screen.say, watch=screen.console) as machine:
        screen.say("booting a virtual machine: Debian, a blank disk, the config as a firmware setting ...")
        with machine.boot() as boot:
            took = boot.wait_until_up()
            screen.say(f"the machine answers, {took:.0f} s after power on; looking at it ...")
            return inspect(boot)


def main() -> int:
    screen = Screen()
    try:
        with tempfile.TemporaryDirectory(prefix="ignition-py-demo-") as directory:
            rows = provision(screen, directory)
    except (BuildError, BootFailed) as error:
        screen.end()
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        screen.end()
        print("\nstopped", file=sys.stderr)
        return 130
    screen.end()
    wrong = sum(wanted != found for _, wanted, found in rows)
    print(f"\nWhat the first boot made of {os.path.relpath(CONFIG, REPOSITORY)}:\n\n{table(screen, rows)}\n")
    verdict = "as the config says" if not wrong else f"{wrong} of {len(rows)} items are not as the config says"
    print(f"{screen.paint(verdict, '31' if wrong else '32')}; {screen.seconds():.0f} s in all")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
