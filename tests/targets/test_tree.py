"""One tree for all: the same config, applied by the real program of each target in a throw-away copy of the root, ends as Ignition leaves it.

What differs, and why, is the table "Remaining differences" of docs/targets.md; nothing else may.
"""

from __future__ import annotations

import fnmatch
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.helpers.appliers import APPLIERS, ignition
from tests.helpers.overlay import Tree
from tests.helpers.targets import emitted

pytestmark = [
    pytest.mark.root,
    pytest.mark.subprocess,
    pytest.mark.skipif(shutil.which("unshare") is None, reason="needs util-linux"),
]
ROOT = Path(__file__).parents[2]
CERTIFICATE = (ROOT / "tests/targets/corp.pem").read_text()
NEEDS = {"cloud-init": "cloud-init", "combustion": "bash", "kairos": "python3", "nixos": "nix-instantiate"}
# The accounts that own something: Ignition's applier makes none.
ACCOUNTS = "groupadd --gid 2000 apps; useradd --create-home --groups apps ops"
# Parts that accounts, the machine's own programs and the appliers have written, whatever the config says.
OTHERS = ("/dev", "/proc", "/run", "/tmp", "/home", "/var/home", "/root", "/usr", "/etc/cloud", "/etc/sudoers", "/var/lib/cloud", "/var/lib/dpkg", "/var/log",
          "/var/cache", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid", "/etc/.pwd.lock",
          "/var/lib/ca-certificates-java")  # fmt: skip
CONFIG = f"""
machine:
  hostname: node1.example.com
  timezone: Europe/Berlin
  sysctl: {{net.ipv4.ip_forward: "1"}}
  kernel_modules: [{{name: br_netfilter}}, {{name: dummy, parameters: [numdummies=2]}}, {{name: sctp, blocked: true}}]
  proxy: {{http: "http://proxy:3128/%41"}}
  registry_mirrors: [{{registry: "quay.io", endpoints: ["https://mirror.example.com"]}}]
  ca_certificates:
    - name: corp
      inline: |
{chr(10).join("        " + line for line in CERTIFICATE.splitlines())}
passwd:
  groups: [{{name: apps, gid: 2000}}]
  users:
    - {{name: ops, uid: 4242, groups: [apps], password_hash: "$6$rounds=5000$sa'lt$abc", ssh_authorized_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLE ops@example.com"]}}
storage:
  directories:
    - {{path: /var/lib/app, mode: 0750, user: {{name: ops}}, group: {{name: apps}}}}
    - {{path: /srv/shared, mode: 03775, user: {{id: 1234}}}}
    - {{path: /srv/plain}}
    - {{path: /etc/ssh}}
  files:
    - path: /etc/app/config.toml
      mode: 0640
      group: {{name: apps}}
      contents:
        inline: |
          # ${{HOME}} and "quotes", 'single' and {{{{ .Values }}}} survive \\
          BUTANE_EOF
          \tpath = "C:\\\\temp"
    - {{path: /var/lib/app/blob.bin, mode: 0600, user: {{name: ops}}, contents: {{source: "data:;base64,AAEC/w=="}}}}
    - {{path: /opt/no-newline, contents: {{inline: "a\\r\\nb"}}}}
    - {{path: /opt/empty, mode: 0444, contents: {{inline: ""}}}}
    - {{path: /opt/only exists}}
    - {{path: "/opt/it's; $(touch /opt/hacked) `id` \\"q\\" \\\\", contents: {{inline: "x\\n"}}}}
    - {{path: /opt/setuid, mode: 04755, contents: {{inline: "#!/bin/sh\\n"}}}}
    - {{path: /opt/numbers, mode: 0660, user: {{id: 1234}}, group: {{id: 4321}}, contents: {{inline: "n\\n"}}}}
    - {{path: /opt/large, contents: {{inline: "{'0123456789abcdef' * 512}"}}}}
    - {{path: /opt/append, mode: 0644, append: [{{inline: "one\\n"}}, {{source: "data:;base64,AP8="}}]}}
    - {{path: /etc/services, append: [{{inline: "butane 4/tcp\\n"}}]}}
    - {{path: /opt/both, contents: {{inline: "first\\n"}}, append: [{{inline: "second\\n"}}]}}
  links:
    - {{path: /var/lib/app/current, target: releases/1}}
    - {{path: /opt/deep/er/link, target: "/a b"}}
    - {{path: /opt/owned, target: /opt/x, user: {{name: ops}}}}
    - {{path: /opt/hard, target: /opt/no-newline, hard: true}}
systemd:
  units:
    - {{name: app.service, enabled: true, contents: "[Service]\\nExecStart=/usr/bin/sleep 9\\n[Install]\\nWantedBy=multi-user.target\\n"}}
    - {{name: sshd.service, dropins: [{{name: 10-restart.conf, contents: "[Service]\\nRestart=always\\n"}}]}}
    - {{name: debug-shell.service, mask: true}}
targets:
  kairos: {{skip: [storage.files./opt/append, storage.files./etc/services, storage.files./opt/both.append]}}
  bootc: {{skip: [storage.files./opt/append, storage.files./opt/both.append, storage.links./opt/hard]}}
"""


class Difference(NamedTuple):
    """A row of the table of docs/targets.md: what differs where, for which target."""

    target: str
    pattern: str


def differences() -> list[Difference]:
    """The rows of the table "Remaining differences"."""
    page = (ROOT / "docs/targets.md").read_text(encoding="utf-8")
    table = page[page.index("## Remaining differences") :]
    rows = re.findall(r"^\| ([\w-]+) \| `([^`]+)` \| \S.+ \|$", table, re.M)
    return [Difference(*row) for row in rows]


def unlike(wanted: Tree, found: Tree) -> dict[str, tuple[object, object]]:
    """The paths that the two trees have differently, with both nodes."""
    paths = {path for path in {*wanted.nodes, *found.nodes} if not path.startswith(OTHERS)}
    return {path: (wanted.nodes.get(path), found.nodes.get(path)) for path in sorted(paths) if wanted.nodes.get(path) != found.nodes.get(path)}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """What Ignition leaves, with the files of openSUSE MicroOS."""
    config = next(iter(emitted(CONFIG, "microos@3.6.0").outputs.values()))
    tree = ignition(tmp_path_factory.mktemp("reference"), config, ACCOUNTS)
    assert tree.status == 0, tree.log
    return tree


@pytest.mark.parametrize("target", APPLIERS)
def test_the_tree_is_that_of_ignition(target: str, reference: Tree, tmp_path: Path) -> None:
    if shutil.which(NEEDS.get(target, "sh")) is None:
        pytest.skip(f"needs {NEEDS[target]}")
    result = emitted(CONFIG, target)
    assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
    tree = APPLIERS[target](tmp_path, next(iter(result.outputs.values())))
    known = [each.pattern for each in differences() if each.target in (target, "all")]
    found = unlike(reference, tree)
    left = {path: nodes for path, nodes in found.items() if not any(fnmatch.fnmatchcase(path, pattern) for pattern in known)}
    assert left == {}, tree.log
    for pattern in (each.pattern for each in differences() if each.target == target):
        assert any(fnmatch.fnmatchcase(path, pattern) for path in found), f"the table has a row for {pattern}, which no longer differs"
    assert "/opt/hacked" not in tree.nodes


@pytest.mark.parametrize("target", APPLIERS)
def test_accounts(target: str, tmp_path: Path) -> None:
    if shutil.which(NEEDS.get(target, "sh")) is None:
        pytest.skip(f"needs {NEEDS[target]}")
    text = """
passwd:
  groups: [{name: apps, gid: 2000}, {name: plain}]
  users:
    - {name: ops, uid: 4000, gecos: "Op's & co", shell: /bin/sh, home_dir: /home/elsewhere, groups: [apps], password_hash: "$6$x$y'z", admin: true}
    - {name: bare, uid: 4001, no_create_home: true}
    - {name: daemon9, system: true, primary_group: plain, no_user_group: true}
"""
    result = emitted(text, target)
    assert [entry.raw() for entry in result.report if entry.severity == "error"] == []
    tree = APPLIERS[target](tmp_path, next(iter(result.outputs.values())))
    ops, bare, daemon = (tree.accounts[name] for name in ("ops", "bare", "daemon9"))
    assert ops["passwd"][0] == "4000" and ops["passwd"][2:] == ["Op's & co", "/home/elsewhere", "/bin/sh"]
    admin = ["admin"] if target == "kairos" else []  # whose members its images let become root
    assert (ops["password"], ops["groups"]) == ("$6$x$y'z", [*admin, "apps"])
    assert bare["password"][:1] in ("!", "*") and daemon["password"][:1] in ("!", "*")
    assert tree.groups["apps"] == 2000 and int(daemon["passwd"][1]) == tree.groups["plain"] and int(daemon["passwd"][0]) < 1000
    assert "daemon9" not in tree.groups
    rules = [path for path in tree.nodes if path.startswith("/etc/sudoers.d/")]
    assert [tree.nodes[rule].mode for rule in rules] == ([] if admin else ["0440"])
