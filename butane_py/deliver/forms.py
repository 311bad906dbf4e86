"""The forms of `--emit`: user data as the tool takes it that hands it over. A form is a row with a small pure writer.

Sources: Ignition's documentation of supported platforms (guestinfo, key-value pairs, fw_cfg), OVF (DSP0243), KubeVirt's and Cluster API's
keys of Secrets, Terraform's variable files, Tinkerbell's Hardware.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

from butane_py.emit.document import document
from butane_py.resources import gzip_stream
from ignition_py.record import KW_ONLY, Record

IGNITION = "ignition"
_KVP_VALUE = 1_000  # bytes of a value; Hyper-V takes 1,023 units of UTF-16 (Linux include/uapi/linux/hyperv.h), which are no more
_DATA, _ENCODING = "guestinfo.ignition.config.data", "guestinfo.ignition.config.data.encoding"
_NO_NAME = "ignition"  # what a machine is called that is built without an inventory


class Form(Record):
    """A way to write user data.

    name: the value of --emit. title: what it is for. suffix: the end of the file's name. write: the text of the file from the name of the
    host and the user data. platform: the platform whose tool reads it, "" for any. unpacked: True if the platform has to unpack gzip.
    value: what the platform stores, where its limit is counted in that. fleet: the name of the file that all hosts have in common, which
    `tfvars` writes, beside the files of the hosts; "" for none.
    """

    name: str
    title: str
    suffix: str
    write: Callable[[str, bytes], bytes]
    _: KW_ONLY
    platform: str = ""
    unpacked: bool = False
    value: Callable[[bytes], bytes] | None = None
    fleet: str = ""


def _raw(_host: str, data: bytes) -> bytes:
    return data


def _base64(_host: str, data: bytes) -> bytes:
    return base64.b64encode(data)


def packed(data: bytes) -> bytes:
    """gzip within base64, as VMware's encoding gzip+base64 has it; the same bytes each time."""
    return base64.b64encode(gzip_stream(data))


def _packed(_host: str, data: bytes) -> bytes:
    return packed(data)


def _govc(host: str, data: bytes) -> bytes:
    """A script that sets the properties of a virtual machine; its first argument is the machine, by default the name of the host."""
    settings = [f"{_ENCODING}=gzip+base64", f"{_DATA}={packed(data).decode()}"]
    words = " ".join(f"-e {shlex.quote(each)}" for each in settings)
    name = shlex.quote(host or _NO_NAME)
    return f'#!/bin/sh\n[ $# -gt 0 ] || set -- {name}\nexec govc vm.change -vm "$1" {words}\n'.encode()


def _vmx(_host: str, data: bytes) -> bytes:
    return f'{_ENCODING} = "gzip+base64"\n{_DATA} = "{packed(data).decode()}"\n'.encode()


def _ovf(host: str, data: bytes) -> bytes:
    """An OVF environment with the config in its properties."""
    pairs = ((_ENCODING, "gzip+base64"), (_DATA, packed(data).decode()))
    lines = "".join(f"    <Property oe:key={quoteattr(key)} oe:value={quoteattr(value)}/>\n" for key, value in pairs)
    space = "http://schemas.dmtf.org/ovf/environment/1"
    head = f'<Environment xmlns="{space}" xmlns:oe="{space}" oe:id={quoteattr(_object_name(host))}>'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n  <PropertySection>\n{lines}  </PropertySection>\n</Environment>\n'
    return text.encode()


def _kvp(_host: str, data: bytes) -> bytes:
    """The pairs that the host has to send, as a JSON object; pieces are cut between characters."""
    pairs: dict[str, str] = {}
    while data or not pairs:
        end = _KVP_VALUE
        while len(data) > end and data[end] & 0xC0 == 0x80:  # inside of a character
            end -= 1
        pairs[f"ignition.config.{len(pairs)}"] = data[:end].decode()
        data = data[end:]
    return (json.dumps(pairs, indent=1) + "\n").encode()


def _fw_cfg(_host: str, data: bytes) -> bytes:
    """Arguments of QEMU as a shell reads them: in a value of an option, commas are doubled."""
    value = data.decode().replace(",", ",,")
    return f"-fw_cfg {shlex.quote(f'name=opt/com.coreos/config,string={value}')}\n".encode()


def _object_name(host: str) -> str:
    """A name of an object of Kubernetes (RFC 1123 subdomain) for a host."""
    name = re.sub(r"[^a-z0-9.-]+", "-", host.lower()).strip("-.")
    return name or _NO_NAME


def _kubevirt(_host: str, data: bytes) -> bytes:
    """The volume of a VirtualMachine that has the config in it."""
    volume = {"name": "ignition", "cloudInitConfigDrive": {"userDataBase64": base64.b64encode(data).decode()}}
    return document({"volumes": [volume]}).encode()


def _secret(host: str, data: bytes) -> bytes:
    """A Secret with the key that KubeVirt reads, and the one that Cluster API and its providers read."""
    encoded = base64.b64encode(data).decode()
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{_object_name(host)}-user-data"}, "type": "Opaque"}
    return document({**head, "data": {"userdata": encoded, "value": encoded}}).encode()


def _tinkerbell(host: str, data: bytes) -> bytes:
    head = {"apiVersion": "tinkerbell.org/v1alpha1", "kind": "Hardware", "metadata": {"name": _object_name(host)}}
    return document({**head, "spec": {"userData": data.decode()}}).encode()


def tfvars(hosts: dict[str, bytes]) -> bytes:
    """A variable file of Terraform: `user_data`, a map from host to config."""
    values = {host or _NO_NAME: data.decode() for host, data in hosts.items()}
    return (json.dumps({"user_data": values}, ensure_ascii=False, indent=2) + "\n").encode()


FORMS = (
    Form(IGNITION, "the config itself", ".ign", _raw),
    Form("base64", "base64 of the config, for APIs that take it so", ".ign.b64", _base64, value=base64.b64encode),
    Form("gzip+base64", "gzip within base64, for guestinfo", ".ign.gz.b64", _packed, unpacked=True, value=packed),
    Form("govc", "a script with govc vm.change", ".govc.sh", _govc, platform="vmware", value=packed),
    Form("vmx", "lines for a .vmx file", ".vmx", _vmx, platform="vmware", value=packed),
    Form("ovf", "an OVF environment", ".ovf.xml", _ovf, platform="vmware", value=packed),
    Form("kvp", "key-value pairs of Hyper-V, as JSON", ".kvp.json", _kvp, platform="hyperv"),
    Form("fw_cfg", "arguments of QEMU", ".fw_cfg", _fw_cfg, platform="qemu"),
    Form("kubevirt", "a volume of a VirtualMachine", ".volume.yaml", _kubevirt, platform="kubevirt"),
    Form("secret", "a Secret of Kubernetes, for KubeVirt and Cluster API", ".secret.yaml", _secret),
    Form("terraform", "variables of Terraform, one file for all hosts", ".ign", _raw, fleet="hosts.auto.tfvars.json"),
    Form("tinkerbell", "a Hardware of Tinkerbell", ".hardware.yaml", _tinkerbell),
)
BY_NAME = {form.name: form for form in FORMS}
