"""Names by which a config uses devices that it makes itself. Source: udev's rules for storage, and those of the device mapper."""

from __future__ import annotations

PARTLABEL = "/dev/disk/by-partlabel/"
MAPPER = ("/dev/mapper/", "/dev/disk/by-id/dm-name-")
