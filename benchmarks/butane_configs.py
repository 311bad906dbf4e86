"""The configs that the compiler's benchmarks compile: small ones, one large one, one with a tree of files, ones of any size."""

from __future__ import annotations

import os
import random
from pathlib import Path

SMALL = """variant: fcos
version: 1.6.0
passwd:
  users:
    - name: core
      ssh_authorized_keys: [ssh-ed25519 AAAA{n} me@example.com]
storage:
  files:
    - path: /etc/hostname
      mode: 0644
      contents:
        inline: machine-{n}
    - path: /etc/motd
      mode: 0644
      contents:
        inline: |
          Hello from machine {n}.
systemd:
  units:
    - name: example-{n}.service
      enabled: true
      contents: |
        [Unit]
        Description=An example
        [Service]
        ExecStart=/usr/bin/true
        [Install]
        WantedBy=multi-user.target
"""


def small(number: int) -> str:
    return SMALL.format(n=number)


def large(files: int, units: int, seed: int = 1) -> str:
    """A config of inline files of some 300 bytes and units: 5,000 and 500 give 1.9 MB."""
    rnd = random.Random(seed)
    words = [f"word{number}" for number in range(500)]
    out = ["variant: fcos", "version: 1.5.0", "storage:", "  files:"]
    for number in range(files):
        out += [f"    - path: /etc/app/d{number % 50}/f{number}.conf", "      mode: 0644", "      contents:", "        inline: |"]
        out += [f"          {rnd.choice(words)}{line} = {rnd.choice(words)} {rnd.choice(words)}" for line in range(8)]
    out += ["systemd:", "  units:"]
    for number in range(units):
        out += [f"    - name: app{number}.service", "      enabled: true", "      contents: |"]
        out += ["        [Unit]", f"        Description={number}"]
        out += ["        [Service]", f"        ExecStart=/usr/bin/app{number}", "        [Install]", "        WantedBy=multi-user.target"]
    return "\n".join(out) + "\n"


def tree(folder: Path, files: int = 2_000, size: int = 10_500, seed: int = 2) -> str:
    """Writes a tree (2,000 files, 21 MB) below `folder`; the config that embeds it. Half of the files are text, half do not pack."""
    rnd = random.Random(seed)
    line = b"key%d = value %d of a configuration file that has many lines\n"
    for number in range(files):
        path = folder / "tree" / f"d{number % 40}" / f"f{number}"
        os.makedirs(path.parent, exist_ok=True)
        text = b"".join(line % (n, rnd.randrange(1000)) for n in range(size // 60 + 1))[:size]
        path.write_bytes(text if number % 2 else rnd.randbytes(size))
    return "variant: fcos\nversion: 1.5.0\nstorage:\n  trees:\n    - local: tree\n      path: /usr/share/tree\n"
