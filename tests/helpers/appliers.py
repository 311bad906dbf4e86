"""The real programs that apply what targets write, each in a throw-away copy of the root (overlay.py)."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from tests.helpers.overlay import Tree, applied

ROOT = Path(__file__).parents[2]
_APPLY = """
import sys
sys.path.insert(0, sys.argv[1])
from ignition_py.programs.apply import main
sys.exit(main("ignition-apply", sys.argv[2:]))
"""
# The modules of cloud-init that what we write uses. Without this it would resize filesystems, make host keys and install packages.
_CLOUD = {
    "datasource_list": ["None"],
    "cloud_init_modules": ["bootcmd", "write-files", "set_hostname", "update_hostname", "ca-certs", "users-groups"],
    "cloud_config_modules": ["timezone", "runcmd"],
    "cloud_final_modules": ["write-files-deferred", "scripts-user"],
    "disable_ec2_metadata": True,
}


def ignition(folder: Path, config: bytes, before: str = "") -> Tree:
    """Our own `ignition-apply`. It makes no accounts: `before` are commands that make those that own something."""
    command = shlex.join([sys.executable, "-B", "-c", _APPLY, str(ROOT), "--root", "/", "--ignore-unsupported", "/run/input/config"])
    return applied(folder, f"set -e\ntouch /run/.containerenv\n{before}\n{command}\n", {"config": config})


def combustion(folder: Path, script: bytes) -> Tree:
    """The script as combustion runs it: from its folder, in a chroot."""
    return applied(folder, "cd /run/input && cp script /tmp/script && chmod +x /tmp/script && /tmp/script\n", {"script": script})


def cloud_init(folder: Path, config: bytes) -> Tree:
    """Debian's cloud-init, all stages, with the config as user data."""
    user_data = {"None": {"userdata_raw": config.decode("utf-8", "surrogateescape"), "metadata": {"instance-id": "test"}}}
    settings = json.dumps({**_CLOUD, "datasource": user_data}, ensure_ascii=True).encode()
    script = """set -e
mkdir -p /etc/cloud/cloud.cfg.d
cp /run/input/settings /etc/cloud/cloud.cfg.d/99-test.cfg
rm -rf /var/lib/cloud
set +e
cloud-init init --local
cloud-init init
cloud-init modules --mode config
cloud-init modules --mode final
grep -A45 Traceback /var/log/cloud-init.log | grep -v DEBUG
"""
    return applied(folder, script, {"settings": settings})


def kairos(folder: Path, config: bytes) -> Tree:
    """The stages before and after the switch to the root, by a model of yip (yip.py): yip itself is not to be had as a program."""
    command = shlex.join([sys.executable, "-B", str(ROOT / "tests/helpers/yip.py"), "/run/input/config"])
    # yip writes into the file that is there; in an image its mode is this one.
    return applied(folder, f"set -e\nchmod 0644 /etc/hostname\n{command}\n", {"config": config})


def bootc(folder: Path, config: bytes) -> Tree:
    """The script of the Containerfile, and what systemd does with its sysusers.d and tmpfiles.d when a machine boots."""
    lines = config.decode("utf-8", "surrogateescape").split("\n")
    first = next(index for index, line in enumerate(lines) if line.startswith("RUN bash <<"))
    delimiter = lines[first].partition("<<")[2].strip("'")
    script = "\n".join(lines[first + 1 : lines.index(delimiter, first + 1)]).encode("utf-8", "surrogateescape")
    run = "set -e\nln -s /bin/true /usr/local/bin/update-ca-trust\nbash /run/input/script\n"
    return applied(folder, run + "systemd-tmpfiles --create /usr/lib/tmpfiles.d/butane.conf\n", {"script": script})


APPLIERS: dict[str, Callable[[Path, bytes], Tree]] = {"combustion": combustion, "cloud-init": cloud_init, "kairos": kairos, "bootc": bootc}
