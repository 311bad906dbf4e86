"""What is no Ignition config, said in words that help."""

from __future__ import annotations

import gzip
from base64 import b64encode, encodebytes, urlsafe_b64encode

import pytest

from ignition_py.spec.kinds import other_user_data
from ignition_py.spec.read import EmptyConfig, parse

IGNITION = b'{"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "core"}, {"name": "other"}]}}'


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"#cloud-config\nusers: []\n", "cloud-config"),
        (b"#!/bin/sh\n", "script"),
        (b"Content-Type: multipart/mixed; boundary=x\n", "MIME"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"variant: fcos\n", "butane-py"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"\n<!DOCTYPE HTML><html>", "web page"),
        (b"<html lang=en>", "web page"),
        ("\ufeff{}".encode("utf-16-le"), "UTF-16"),
        ("\ufeff{}".encode("utf-16-be"), "UTF-16"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        ("{}".encode("utf-16-be"), "UTF-16"),
        (b"apiVersion: x/v1\nkind: MachineConfig\n", "MachineConfig"),
        (b'{"kind": "MachineConfig", "spec": {}}', "MachineConfig"),
        (b"systemd:\n  units: []\n", "Container Linux Config"),
        (b"# a comment\nstorage:\n  files: []\n", "Container Linux Config"),
        (b" \n", "white space"),
        *((encode(IGNITION), "this is base64 of an Ignition config, ") for encode in (b64encode, encodebytes, lambda data: urlsafe_b64encode(b" " + data))),
        (b64encode(IGNITION * 1000), "this is base64 of an Ignition config, "),
        (encodebytes(IGNITION).replace(b"\n", b" "), "this is base64 of an Ignition config, "),
        (b64encode(b"variant: fcos\nversion: 1.6.0\n"), "this is base64 of a Butane config, "),
        (b64encode(gzip.compress(IGNITION)), "this is base64 of compressed data (gzip), "),
        (b64encode(b64encode(IGNITION)), "this is base64 of base64 of an Ignition config, "),
        (b64encode(IGNITION.decode().encode("utf-16")), "this is base64 of text in UTF-16"),
        (b64encode(b"#cloud-config\nusers: []\n"), "this is base64 of a cloud-config"),
        (b"deadbeefdeadbeefdeadbeef", "this is not JSON: "),
        (b"password", "this is not JSON: "),
        (b"null", "no ignition.version"),
        (b"[]", "object"),
        (b'{"ignitionVersion": 1}', "spec 1"),
        (b'{"ignition": {"version": "2.3.0"}}', "ignition-py convert"),
        (b'{"ignition": {"version": "3.99.0"}}', "newer than this program"),
        (b'{"ignition": {"version": "3.6.0-experimental"}}', "stabilised"),
        (b'{"ignition": {"version": "99999999999999999999.0.0"}}', "99999999999999999999.0.0"),
    ],
)
def test_each_kind_has_its_explanation(data: bytes, word: str) -> None:
    config, _, report = parse(data)
    assert config is None
    (entry,) = report
    assert word in entry.message


def test_no_data_is_no_config() -> None:
    with pytest.raises(EmptyConfig):
        parse(b"")


@pytest.mark.parametrize(
    ("data", "other"),
    [
        (b"#cloud-config\n", True),
        (b"#!/bin/bash\n", True),
        (b"#include\nhttp://x\n", True),
        (b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n", True),
        (b"Content-Type: text/plain\n", False),
        (b'{"ignition": {}}', False),
        (b"variant: flatcar\n", False),
        (b"# a comment\nvariant: flatcar\n", False),
        (b"\xff\xfe", False),
        (b"", False),
    ],
)
def test_what_flatcar_passes_over(data: bytes, other: bool) -> None:
    assert (other_user_data(data) is not None) == other
