"""The platforms that hand user data to Ignition: how much they take, how they count it, and who else can read it.

A platform is a row. `butane-py platforms`, docs/platforms.md, the ladder of `--for`, the rule lint-user-data-size and the refusal of
secrets in user data read this table. Sources are the platforms' own documentation, each named in its row.
"""

from __future__ import annotations

from collections.abc import Iterable

from ignition_py.record import KW_ONLY, Record

KIB = 1024

RAW, BASE64, ENCODED = "raw", "base64", "encoded"
COUNTED = {
    RAW: "bytes of the config",
    BASE64: "characters of its base64",
    ENCODED: "characters of the value in its encoding: base64, or gzip and base64",
}

SURE, LIKELY, UNKNOWN = "sure", "likely", "unknown"
CONFIDENCE = {
    SURE: "read in the source: larger configs are refused",
    LIKELY: "not confirmed in the source: larger configs get a warning",
    UNKNOWN: "no source found: larger configs than what is believed get a warning",
}

# Who can read user data besides root on the machine.
_METADATA = "every process on the machine through the metadata service, and readers of the cloud account"
_DRIVE = "readers of the cloud account; on the machine whoever can read the config drive"
_ACCOUNT = "readers of the cloud account"
_NETWORK = "everybody in the network who can fetch the URL"
_IGNITION = "Ignition, supported platforms: https://coreos.github.io/ignition/supported-platforms/"


class Platform(Record):
    """What a platform takes as user data.

    name: the platform's name in Ignition (`ignition.platform.id`). title: its name in text. limit: the most that it takes, in the unit of
    `counted`; None where there is no limit that a config reaches, or none is known. travels: how the user data gets to the machine.
    unpacks: True if Ignition itself decompresses gzip user data of the platform. readable: who can read the user data besides root on the
    machine, "" for nobody. served: True if the operator's own server hands the user data out and decides who gets it. source: where the
    limit is documented, with `url`. confidence: SURE, LIKELY or UNKNOWN; only a sure limit refuses a config. forms: limits that hold for
    forms of --emit in place of `limit`, in bytes. note: what else an operator has to know.
    """

    name: str
    title: str
    limit: int | None
    _: KW_ONLY
    counted: str = RAW
    travels: str
    unpacks: bool = False
    readable: str = ""
    served: bool = False
    source: str = _IGNITION
    url: str = ""
    confidence: str = SURE
    forms: dict[str, int] = {}  # noqa: RUF012  # never changed
    note: str = ""

    @property
    def sure(self) -> bool:
        """True if a config over the limit is refused."""
        return self.confidence == SURE

    @property
    def most(self) -> int | None:
        """The most bytes of a config that the platform takes."""
        if self.limit is None or self.counted == RAW:
            return self.limit
        return in_base64(self.limit)


def in_base64(most: int) -> int:
    """The most bytes whose base64, padded to a multiple of four, has at most `most` characters."""
    return most // 4 * 3


def base64_length(size: int) -> int:
    """The characters of the padded base64 of `size` bytes."""
    return 4 * ((size + 2) // 3)



PLATFORMS = (
    Platform(
        "akamai", "Akamai Connected Cloud", 16 * KIB, travels="base64 in the API and in the metadata service", unpacks=True,
        readable=_METADATA, source="Akamai, overview of the metadata service", confidence=LIKELY,
        url="https://techdocs.akamai.com/cloud-computing/docs/overview-of-the-metadata-service",
        note="the documentation also has 65,535",
    ),
    Platform(
        "aliyun", "Alibaba Cloud ECS", 32 * KIB, travels="base64 in the API, raw in the metadata service", readable=_METADATA,
        source="Alibaba Cloud ECS, manage the user data",
        url="https://www.alibabacloud.com/help/en/ecs/user-guide/manage-the-user-data-of-instances",
        note="older documentation has 16,384",
    ),
    Platform("applehv", "Apple Hypervisor", None, travels="HTTP over vsock port 1024"),
    Platform(
        "aws", "Amazon EC2", 16 * KIB, travels="base64 in the API, raw in the metadata service", readable=_METADATA,
        source="Amazon EC2 user guide, instance user data",
        url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    ),
    Platform(
        "azure", "Microsoft Azure", 65_535, travels="base64 in the API; user data by the metadata service, custom data on a CD-ROM",
        readable=_METADATA, source="Azure SDK reference, custom data", url="https://learn.microsoft.com/en-us/azure/virtual-machines/custom-data",
    ),
    Platform(
        "azurestack", "Azure Stack Hub", 65_535, travels="base64 in the API; custom data on a CD-ROM", readable=_DRIVE,
        source="as Microsoft Azure", url="https://learn.microsoft.com/en-us/azure/virtual-machines/custom-data", confidence=LIKELY,
    ),
    Platform(
        "brightbox", "Brightbox", 16 * KIB, travels="as openstack", readable=_METADATA, source="none found", confidence=UNKNOWN,
    ),
    Platform(
        "cloudstack", "Apache CloudStack", 32 * KIB, counted=BASE64, travels="base64 in the API; metadata service or config drive",
        readable=_METADATA, source="CloudStack, user data: vm.userdata.max.length",
        url="https://docs.cloudstack.apache.org/en/latest/adminguide/virtual_machines/user-data.html",
        note="the limit is a setting of the cloud; by HTTP GET 4,096 are taken",
    ),
    Platform(
        "digitalocean", "DigitalOcean", 64 * KIB, travels="raw, plain text only", readable=_METADATA,
        source="DigitalOcean API, user_data", url="https://docs.digitalocean.com/reference/api/",
    ),
    Platform(
        "exoscale", "Exoscale", 32 * KIB, counted=BASE64, travels="base64 in the API, raw in the metadata service", readable=_METADATA,
        source="Exoscale's Terraform provider, ComputeMaxUserDataLength", url="https://github.com/exoscale/terraform-provider-exoscale",
    ),
    Platform("file", "a local file", None, travels="a file of the initramfs"),
    Platform(
        "gcp", "Google Compute Engine", 256 * KIB, travels="raw, in the metadata service", readable=_METADATA,
        source="Compute Engine, metadata: one value", url="https://cloud.google.com/compute/docs/metadata/overview",
        note="all metadata of an instance together: 512 KiB",
    ),
    Platform(
        "hetzner", "Hetzner Cloud", 32 * KIB, travels="raw, in the metadata service", readable=_METADATA,
        source="Hetzner Cloud API, user_data", url="https://docs.hetzner.cloud/",
    ),
    Platform(
        "hyperv", "Microsoft Hyper-V", None, travels="key-value pairs ignition.config.N of about 1,000 characters each",
    ),
    Platform(
        "ibmcloud", "IBM Cloud VPC", 64 * KIB, travels="a cidata drive", readable=_DRIVE,
        source="IBM Cloud VPC, user data", url="https://cloud.ibm.com/docs/vpc?topic=vpc-user-data",
    ),
    Platform(
        "kubevirt", "KubeVirt", 2 * KIB, travels="a config drive, from the VM's manifest or from a Secret",
        readable="who may read VirtualMachines or the Secret in the cluster; on the machine whoever can read the config drive",
        source="KubeVirt, cloudInitUserMaxLen", url="https://github.com/kubevirt/kubevirt",
        forms={"secret": 512 * KIB}, note="--emit secret, which holds the config under two keys of 1 MiB together, takes 524,288",
    ),
    Platform(
        "metal", "bare metal", None, travels="HTTP, TFTP, S3 or GS from ignition.config.url", readable=_NETWORK, served=True,
        note="the kernel command line with the URL has 2,048 to 4,096 bytes",
    ),
    Platform(
        "nutanix", "Nutanix AHV", 32 * KIB, counted=BASE64, travels="base64 in the API; a config drive", readable=_DRIVE,
        source="none found", confidence=UNKNOWN,
    ),
    Platform("nvidiabluefield", "NVIDIA BlueField", None, travels="bootfifo", source="none found", confidence=UNKNOWN),
    Platform(
        "openstack", "OpenStack", 65_535, counted=BASE64, travels="base64 in the API; metadata service or config drive", readable=_METADATA,
        source="Nova, user data", url="https://docs.openstack.org/nova/latest/user/metadata.html",
    ),
    Platform(
        "oraclecloud", "Oracle Cloud Infrastructure", 32_000, counted=BASE64, travels="base64 in the API and in the metadata service",
        readable=_METADATA, source="OCI API, metadata of LaunchInstanceDetails",
        url="https://docs.oracle.com/en-us/iaas/api/#/en/iaas/latest/datatypes/LaunchInstanceDetails",
        note="all metadata of the instance shares the limit: SSH keys in it take their part",
    ),
    Platform(
        "packet", "Equinix Metal", None, travels="raw, in the metadata service", readable=_METADATA, source="none: the service has ended",
        confidence=UNKNOWN,
    ),
    Platform(
        "powervs", "IBM Power Virtual Server", 63 * KIB, counted=BASE64, travels="base64 in the API; a config drive", readable=_DRIVE,
        source="IBM Power Virtual Server API", url="https://cloud.ibm.com/apidocs/power-cloud", confidence=LIKELY,
    ),
    Platform(
        "proxmoxve", "Proxmox VE", None, travels="a cidata drive", readable="who may read the storage of snippets on the host",
    ),
    Platform("qemu", "QEMU", None, travels="fw_cfg or a virtio-blk drive"),
    Platform(
        "scaleway", "Scaleway", 127_998, travels="raw, from a privileged port", readable=_ACCOUNT,
        source="Scaleway API, user data", url="https://www.scaleway.com/en/developers/api/instances/", confidence=LIKELY,
    ),
    Platform(
        "upcloud", "UpCloud", 65_535, travels="raw, in the metadata service, which has to be enabled", readable=_METADATA,
        source="none found", confidence=UNKNOWN,
    ),
    Platform(
        "virtualbox", "VirtualBox", KIB, travels="raw, a guest property", readable="users of the machine who may read guest properties",
        source="Ignition issue 2226: VirtualBox 7 refuses more", url="https://github.com/coreos/ignition/issues/2226",
    ),
    Platform(
        "vmware", "VMware vSphere", 64 * KIB, counted=ENCODED, travels="guestinfo: plain, base64 or gzip+base64", unpacks=True,
        readable="every user of the machine until the property is deleted, and who may read the VM's settings",
        source="vm-operator 138, GUESTMSG_MAX_IN_SIZE", url="https://github.com/vmware-tanzu/vm-operator/pull/138",
        note="all settings of a VM together: 1 MiB",
    ),
    Platform(
        "vultr", "Vultr", None, travels="base64 in the API, raw in the metadata service", readable=_METADATA, source="none found",
        confidence=UNKNOWN,
    ),
    Platform("zvm", "IBM z/VM", None, travels="the virtual card reader"),
)  # fmt: skip
BY_NAME = {platform.name: platform for platform in PLATFORMS}


def over_limit(names: Iterable[str], size: int) -> dict[str, int]:
    """Those of the platforms that take less than `size` bytes of config, with what they take."""
    found = {name: BY_NAME[name].most for name in names}
    return {name: most for name, most in found.items() if most is not None and size > most}
