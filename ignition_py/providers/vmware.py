"""Platform `vmware`: the config is the guestinfo variable `ignition.config.data`, or a property of the OVF environment.

    fetch()   reads it; `ignition.config.data.encoding` says how it is encoded
    delete()  overwrites it, since variables cannot be removed, and takes the properties out of the OVF environment

The two come each from its variable, else from the OVF environment (guestinfo.ovfenv). Source: the guestinfo commands
info-get and info-set of VMware's guest RPC, and the reference for names and order.
"""

from __future__ import annotations

from ignition_py.providers import Machine, ovf, vmware_rpc
from ignition_py.providers.encodings import base64, gunzip
from ignition_py.report.diag import FetchError, IgnitionError

DATA, ENCODING, OVF = (
    f"guestinfo.{name}" for name in ("ignition.config.data", "ignition.config.data.encoding", "ovfenv")
)
DELETED, DELETED_ENCODING = b"e30K", b"base64"  # an empty config
_WHAT = "the config from VMware's guestinfo"


def fetch(machine: Machine) -> bytes | None:
    """The config, None where this is no VMware machine. Raises IgnitionError."""
    if not vmware_rpc.present():
        machine.log.info("this is not a virtual machine of VMware's")
        return None
    properties = _properties(machine)
    data = vmware_rpc.get(DATA)
    encoding = vmware_rpc.get(ENCODING)
    place = DATA
    if data is None:
        place, data = f"{DATA} in the OVF environment", properties.get(DATA, b"")
    if encoding is None:
        encoding = properties.get(ENCODING, b"")
    if data:
        machine.found(place)
    else:
        machine.log.info(f"{DATA} is not set, so there is no config")
    return decode(data, encoding)


def _properties(machine: Machine) -> dict[str, bytes]:
    """Our properties of the OVF environment; one that cannot be had is no reason to fail, as in the reference."""
    try:
        document = vmware_rpc.get(OVF)
        if not document:
            return {}
        machine.log.debug("there is an OVF environment")
        return {found.key: found.value.encode() for found in ovf.properties(document)}
    except IgnitionError as error:
        machine.log.warning(f"{error}; going on without the OVF environment")
        return {}


def decode(data: bytes, encoding: bytes) -> bytes:
    """Undoes `encoding`: nothing, base64, gzip, or gzip within base64. Raises FetchError."""
    inner, plus, outer = encoding.partition(b"+")
    if not plus and inner in (b"b64", b"base64"):
        inner, outer = b"", inner
    if inner not in (b"", b"gz", b"gzip") or outer not in (b"", b"b64", b"base64") or (plus and not (inner and outer)):
        shown = ascii(encoding[:40].decode("utf-8", "replace"))
        raise FetchError(f"{_WHAT}: there is no encoding {shown}", hint=f"See {ENCODING}")
    if outer:
        data = base64(data, what=_WHAT)
    return gunzip(data, what=_WHAT) if inner else data


def delete(machine: Machine) -> None:
    """Makes the config unreadable for the running machine. Raises IgnitionError."""
    if not vmware_rpc.present():
        raise IgnitionError("deleting the config: this is not a virtual machine of VMware's")
    data = vmware_rpc.get(DATA)
    if data is not None and data != DELETED:
        machine.log.info(f"overwriting {DATA}")
        vmware_rpc.put(DATA, DELETED)
        if vmware_rpc.get(ENCODING) != DELETED_ENCODING:
            vmware_rpc.put(ENCODING, DELETED_ENCODING)
    document = vmware_rpc.get(OVF)
    if document:
        pruned = ovf.without(document, (DATA, ENCODING))
        if pruned != document:
            machine.log.info("deleting the config from the OVF environment")
            vmware_rpc.put(OVF, pruned)
