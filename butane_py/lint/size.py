"""User data that is larger than platforms take.

Limits: the platforms' own documentation of instance user data or metadata, in bytes of the config before any base64.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from butane_py.compilation import Compilation

KIB = 1024
LIMITS = {
    "aws": 16 * KIB,
    "exoscale": 32 * KIB,
    "hetzner": 32 * KIB,
    "openstack": 65_535 * 3 // 4,  # counted in base64
    "azure": 64 * KIB,
    "digitalocean": 64 * KIB,
    "gcp": 256 * KIB,
}


def check_size(work: Compilation, output: str) -> None:
    if work.row.machine_config and not work.options.raw:
        return
    size = len(output.encode("utf-8", "replace")) + 1
    over = [f"{name} ({limit:,})" for name, limit in LIMITS.items() if size > limit]
    if over:
        message = f"the config has {size:,} bytes, more than the user data of {', '.join(over)}"
        hint = "store it elsewhere and hand the machine a config with ignition.config.replace.source"
        work.warning("lint-user-data-size", message, (), hint)
