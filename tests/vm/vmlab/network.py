"""The network of a real root in which no network manager runs."""

from __future__ import annotations

# A unit for the end of a Butane config: the list systemd.units.
INTERFACE = """\
    - name: interface.service
      enabled: true
      contents: |
        [Unit]
        Description=The address that QEMU's network has for a guest
        DefaultDependencies=no
        After=systemd-udev-settle.service
        Wants=systemd-udev-settle.service network-online.target
        Before=network-online.target
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c 'for i in /sys/class/net/e*; do ip link set $${i##*/} up; ip address replace 10.0.2.15/24 dev $${i##*/}; done'
        [Install]
        WantedBy=multi-user.target
"""
