"""The quickstart: its compilation, and what a machine made from it must look like. Used by the test and by the demo."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.vm.vmlab.image import REPOSITORY, BuildError
from tests.vm.vmlab.machine import Boot

CONFIG = os.path.join(REPOSITORY, "testdata", "quickstart", "quickstart.bu")
DISK = "1G"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0Tnwc5rLdxSsQdvzZ0C0Ro1Jc3JhQm0Ip4zV1XoYxN keeper@example.com"

# What is looked at, the shell command that says it in the booted system, and what it has to say.
CHECKS: tuple[tuple[str, str, str], ...] = (
    ("partitions of the second disk", "partx -go NR,NAME,START,SECTORS /dev/vdb | xargs",
     "1 data 2048 524288 2 spare 526336 1570783"),
    ("partition table of the second disk", "lsblk -dno PTTYPE /dev/vdb", "gpt"),
    ("filesystem on data", "lsblk -nro FSTYPE,LABEL /dev/disk/by-partlabel/data", "ext4 data"),
    ("mounted at /var/lib/data", "findmnt -no SOURCE,FSTYPE /var/lib/data | xargs", "/dev/vdb1 ext4"),
    ("mount unit", "systemctl is-active var-lib-data.mount", "active"),
    ("file /etc/motd", "stat -c '%a %U:%G' /etc/motd; cat /etc/motd",
     "644 root:root\nThis machine was made from testdata/quickstart/quickstart.bu."),
    ("file /var/lib/data/README", "stat -c '%a %U:%G' /var/lib/data/README; cat /var/lib/data/README",
     "640 keeper:root\nOn a partition and a filesystem that the first boot made."),
    ("directory /var/lib/data/inbox", "stat -c '%F %a %U:%G' /var/lib/data/inbox", "directory 750 keeper:root"),
    ("user keeper", "getent passwd keeper | cut -d: -f5-", "Keeper of this machine:/home/keeper:/bin/bash"),
    ("groups of keeper", "id -nG keeper", "keeper adm"),
    ("no password for keeper", "getent shadow keeper | cut -d: -f2", "*"),
    ("SSH key of keeper", "cat /home/keeper/.ssh/authorized_keys.d/ignition", KEY),
    ("its owner and mode", "stat -c '%a %U:%G' /home/keeper/.ssh/authorized_keys.d/ignition", "600 keeper:keeper"),
    ("its directory", "stat -c '%a %U:%G' /home/keeper/.ssh", "700 keeper:keeper"),
    ("hello.service is enabled", "systemctl is-enabled hello.service", "enabled"),
    ("hello.service has run", "systemctl is-active hello.service; systemctl show -P Result hello.service", "active\nsuccess"),
    ("what it wrote", "cut -d' ' -f1-3 /var/lib/data/greetings | sort -u", "hello from boot"),
    ("units that failed", "systemctl --failed --no-legend --plain | cut -d' ' -f1", ""),
)


def compile_config(path: str = CONFIG) -> bytes:
    """The Ignition config that butane-py makes of a Butane config. Raises BuildError with what the compiler said."""
    program = "import sys; from butane_py.cli.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": REPOSITORY}
    done = subprocess.run(
        [sys.executable, "-c", program, "--strict", path], capture_output=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise BuildError(f"compiling {path} failed (exit status {done.returncode}):\n{done.stderr.decode()}")
    return done.stdout


def inspect(boot: Boot) -> list[tuple[str, str, str]]:
    """(item, wanted, found) for every check, once the booted system has settled."""
    boot.ask("systemctl is-system-running --wait", timeout=120)
    return [(item, wanted, boot.ask(script).stdout.strip()) for item, script, wanted in CHECKS]
