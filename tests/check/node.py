"""The config of the tests, and the changes that a machine is put through, each of which is one difference."""

from __future__ import annotations

from typing import NamedTuple

import butane_py

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0Tnwc5rLdxSsQdvzZ0C0Ro1Jc3JhQm0Ip4zV1XoYxN keeper@example.com"
# The file is `CONFIG`, its lines are counted from 1.
CONFIG = f"""variant: fcos
version: 1.4.0
passwd:
  groups:
    - name: operators
      gid: 4700
    - name: gone
      should_exist: false
  users:
    - name: keeper
      uid: 4711
      gecos: Keeper
      shell: /bin/sh
      groups: [adm]
      password_hash: $y$j9T$none$none
      ssh_authorized_keys:
        - {KEY}
    - name: former
      should_exist: false
storage:
  directories:
    - path: /srv/inbox
      mode: 0750
      user: {{name: keeper}}
      group: {{name: operators}}
  files:
    - path: /etc/probe
      mode: 0644
      contents: {{inline: "probe\\n"}}
    - path: /etc/secret
      mode: 0600
      contents: {{inline: "a secret of the config\\n"}}
    - path: /srv/mine
      user: {{name: keeper}}
      group: {{name: operators}}
      contents: {{inline: "mine\\n"}}
    - path: /srv/old/list
      append:
        - inline: "new\\n"
    - path: /srv/plain
      contents: {{inline: "plain"}}
  links:
    - path: /srv/link
      target: /etc/probe
    - path: /srv/twin
      target: /etc/probe
      hard: true
systemd:
  units:
    - name: hello.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
      dropins:
        - name: 10-nice.conf
          contents: |
            [Service]
            Nice=5
    - name: systemd-timesyncd.service
      mask: true
    - name: plain.service
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/true
"""
ROWS = 19


def compiled() -> bytes:
    """The Ignition config of CONFIG."""
    return (butane_py.compile(CONFIG).output or "").encode()


def line_of(text: str) -> int:
    """The line of CONFIG that begins with a text."""
    return next(number for number, line in enumerate(CONFIG.splitlines(), 1) if line.strip().startswith(text))


class Change(NamedTuple):
    """A script for the machine; the one row that differs; the text that its line of the config begins with."""

    script: str
    row: str
    found: str
    at: str


# What somebody may do to the files of a machine.
CHANGES = {
    "content": Change("echo other >/etc/secret", "file /etc/secret", "600, other contents", "- path: /etc/secret"),
    "empty": Change(": >/etc/secret", "file /etc/secret", "600, other contents", "- path: /etc/secret"),
    "mode": Change("chmod 755 /etc/secret", "file /etc/secret", "755, contents", "- path: /etc/secret"),
    "mode by default": Change("chmod 664 /srv/plain", "file /srv/plain", "664, contents", "- path: /srv/plain"),
    "setuid": Change("chmod u+s /etc/secret", "file /etc/secret", "4600, contents", "- path: /etc/secret"),
    "owner": Change("chown root /srv/mine", "file /srv/mine", "user root group operators, contents", "- path: /srv/mine"),
    "owner by default": Change("chown keeper /srv/plain", "file /srv/plain", "user 4711, contents", "- path: /srv/plain"),
    "group of a directory": Change("chgrp adm /srv/inbox", "directory /srv/inbox", "750 user keeper group adm", "- path: /srv/inbox"),
    "file in place of a directory": Change("rmdir /srv/inbox; echo >/srv/inbox", "directory /srv/inbox", "regular file", "- path: /srv/inbox"),
    "link in place of a file": Change("mv /srv/plain /srv/x; ln -s x /srv/plain", "file /srv/plain", "symbolic link", "- path: /srv/plain"),
    "fifo in place of a file": Change("rm /srv/plain; mkfifo /srv/plain", "file /srv/plain", "fifo", "- path: /srv/plain"),
    "end of a file": Change("echo more >>/srv/old/list", "file /srv/old/list", "present, other contents", "- path: /srv/old/list"),
    "link target": Change("ln -sfn /etc/passwd /srv/link", "link /srv/link", "symbolic link to /etc/passwd", "- path: /srv/link"),
    "hard link": Change("cp /etc/probe /srv/x; mv /srv/x /srv/twin", "link /srv/twin", "regular file", "- path: /srv/twin"),
    "removed file": Change("rm /etc/secret", "file /etc/secret", "(none)", "- path: /etc/secret"),
    "removed directory": Change("rmdir /srv/inbox", "directory /srv/inbox", "(none)", "- path: /srv/inbox"),
    "removed link": Change("rm /srv/link", "link /srv/link", "(none)", "- path: /srv/link"),
    "extra group": Change("gpasswd -a keeper tty", "groups keeper", "adm tty", "groups: [adm]"),
    "lost group": Change("gpasswd -d keeper adm", "groups keeper", "(none)", "groups: [adm]"),
    "shell": Change("usermod -s /bin/false keeper", "user keeper", "id 4711, name Keeper, shell /bin/false", "- name: keeper"),
    "id of a group": Change("groupmod -g 4800 operators; chgrp operators /srv/inbox /srv/mine", "group operators", "id 4800", "- name: operators"),
    "changed key": Change("sed -i s/AAAAC3/BBBBC3/ /home/keeper/.ssh/authorized_keys.d/ignition", "ssh keys keeper", "0 of 1 and 1 set by others", "- ssh-ed25519"),
    "removed keys": Change("rm -r /home/keeper/.ssh", "ssh keys keeper", "0 of 1", "- ssh-ed25519"),
    "user that is back": Change("useradd former", "user former", "present", "- name: former"),
    "disabled unit": Change("rm /etc/systemd/system/multi-user.target.wants/hello.service; rm -f /etc/systemd/system-preset/*", "unit hello.service", "disabled, contents", "- name: hello.service"),
    "masked unit": Change("ln -sf /dev/null /etc/systemd/system/hello.service", "unit hello.service", "masked", "- name: hello.service"),
    "unmasked unit": Change("rm /etc/systemd/system/systemd-timesyncd.service", "unit systemd-timesyncd.service", "", "- name: systemd-timesyncd.service"),
    "edited unit": Change("echo '# edited' >>/etc/systemd/system/hello.service", "unit hello.service", "enabled, other contents", "- name: hello.service"),
    "removed unit": Change("rm /etc/systemd/system/plain.service", "unit plain.service", "not-found, no unit file", "- name: plain.service"),
    "removed drop-in": Change("rm /etc/systemd/system/hello.service.d/10-nice.conf", "drop-in hello.service/10-nice.conf", "(none)", "- name: 10-nice.conf"),
    "edited drop-in": Change("echo >>/etc/systemd/system/hello.service.d/10-nice.conf", "drop-in hello.service/10-nice.conf", "other contents", "- name: 10-nice.conf"),
}  # fmt: skip
