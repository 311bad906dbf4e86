"""User data that is larger than platforms take.

Limits are those of the platforms' own documentation of instance user data or metadata, in bytes of the config. Where a platform counts
its base64, the limit here is what that has room for. Platforms without a limit that a config could reach have no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from butane_py.linter.rule import Find, lint
from ignition_py.record import Record
from ignition_py.report.diag import INFO, WARNING
from ignition_py.report.examples import file_

if TYPE_CHECKING:
    from butane_py.linter.facts import Facts

KIB = 1024


class Limit(Record):
    """What a platform takes: bytes of the config, and where that is written. `sure`: read in the source itself."""

    platform: str
    most: int
    source: str
    sure: bool = True


def in_base64(most: int) -> int:
    """The most bytes whose base64, padded to a multiple of four, has at most `most`."""
    return most // 4 * 3


LIMITS = (
    Limit("akamai", 16 * KIB, "Akamai's documentation of the metadata service", sure=False),
    Limit("aliyun", 32 * KIB, "Alibaba Cloud ECS, manage the user data"),
    Limit("aws", 16 * KIB, "Amazon EC2 user guide, instance user data"),
    Limit("azure", 65_535, "Azure SDK reference, custom data"),
    Limit("azurestack", 65_535, "Azure SDK reference, custom data", sure=False),
    Limit("cloudstack", in_base64(32 * KIB), "CloudStack API, vm.userdata.max.length in base64"),
    Limit("digitalocean", 64 * KIB, "DigitalOcean API, user_data"),
    Limit("exoscale", in_base64(32 * KIB), "Exoscale provider, ComputeMaxUserDataLength in base64"),
    Limit("gcp", 256 * KIB, "Compute Engine API, one metadata value"),
    Limit("hetzner", 32 * KIB, "Hetzner Cloud API, user_data"),
    Limit("ibmcloud", 64 * KIB, "IBM Cloud VPC, user data"),
    Limit("kubevirt", 2 * KIB, "KubeVirt, cloudInitUserMaxLen; a Secret holds more"),
    Limit("openstack", in_base64(65_535), "Nova, user data in base64"),
    Limit("oraclecloud", in_base64(32_000), "OCI, all metadata in base64"),
    Limit("powervs", in_base64(63 * KIB), "IBM Power Virtual Server, user data in base64", sure=False),
    Limit("scaleway", 127_998, "Scaleway API, cloud-init user data", sure=False),
    Limit("virtualbox", KIB, "VirtualBox 7, a guest property"),
    Limit("vmware", in_base64(64 * KIB), "vSphere, a guestinfo value in base64"),
)
BY_NAME = {limit.platform: limit for limit in LIMITS}
_UNASKED = (
    "aws",
    "azure",
    "digitalocean",
    "gcp",
    "hetzner",
    "openstack",
)  # named where no setting says where the config goes


@lint(
    "lint-user-data-size",
    severity=INFO,
    title="The config is larger than user data may be",
    why="Platforms limit the size of user data, and refuse or cut what is larger.",
    fix="Store the config elsewhere and hand the machine a small one that names it with ignition.config.replace.source. "
    "The setting platforms says where the config goes; what is over a limit of those is a warning.",
    wrong=file_("contents:\n  compression: ''\n  local: random.bin"),
    right=file_("contents:\n  local: a.txt"),
    local=True,
)
def user_data_size(facts: Facts, find: Find) -> None:
    """Configs over the limit of a platform: a warning for those that the settings name, information for others."""
    if facts.row.machine_config and not facts.work.options.raw:
        return
    size = len(facts.output.encode("utf-8", "replace")) + 1
    named = facts.settings.platforms
    over = [BY_NAME[name] for name in named or _UNASKED if size > BY_NAME[name].most]
    if not over:
        return
    limits = ", ".join(f"{limit.platform} ({limit.most:,})" for limit in over)
    hint = "store it elsewhere and hand the machine a config with ignition.config.replace.source"
    severity = WARNING if named and any(limit.sure for limit in over) else INFO
    find.at_yaml(
        (), f"the config has {size:,} bytes, more than the user data of {limits}", hint=hint, severity=severity
    )
