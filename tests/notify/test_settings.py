"""Which reports are wanted: the kernel command line before the settings of the image."""

from __future__ import annotations

from pathlib import Path

import pytest

from ignition_py.notify.settings import Wanted, told_host, wanted
from ignition_py.notify.sinks import NOTIFY_SOCKET, chosen
from ignition_py.report.diag import IgnitionError


@pytest.mark.parametrize(
    ("words", "image", "form", "expected"),
    [
        ("quiet", "", "", Wanted()),
        ("ignition.report.url=https://a/T", "", "", Wanted("https://a/T")),
        ("ignition.report.url=https://a/T ignition.report.url=http://b/", "http://image/", "", Wanted("http://b/")),
        ('ignition.report.url="https://a/T"', "", "", Wanted("https://a/T")),
        ("quiet", "http://image/", "", Wanted("http://image/")),
        ("quiet", "platform", "", Wanted(platform=True)),
        ("quiet", "platform http://image/", "phone-home", Wanted("http://image/", "phone-home", platform=True)),
        ("ignition.report.url=http://a/", "platform http://image/", "", Wanted("http://a/", platform=True)),
        (
            "ignition.report.url=http://a/ ignition.report.format=phone-home",
            "",
            "json",
            Wanted("http://a/", "phone-home"),
        ),
        ("ignition.report.url=", "http://image/", "", Wanted("http://image/")),
        (
            "ignition.report.url=ftp://a/",
            "http://b/",
            "",
            Wanted(wrong=("ignition.report.url is no URL of http or https",)),
        ),
        ("quiet", "yes", "", Wanted(wrong=("IGNITION_REPORT is no URL of http or https",))),
        ("ignition.report.format=xml", "", "", Wanted(wrong=("ignition.report.format is json or phone-home",))),
    ],
)
def test_wanted(words: str, image: str, form: str, expected: Wanted, tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_text(words + "\n")
    environ = {
        "IGNITION_KERNEL_CMDLINE_PATH": str(tmp_path / "cmdline"),
        "IGNITION_REPORT": image,
        "IGNITION_REPORT_FORMAT": form,
    }
    assert wanted(environ) == expected


def test_a_url_is_not_in_what_is_printed() -> None:
    assert "s3cr3t" not in repr(Wanted("https://host/s3cr3t"))
    assert told_host("https://user:s3cr3t@host:8080/s3cr3t?s3cr3t#s3cr3t") == "https://host:8080"
    with pytest.raises(IgnitionError):
        told_host("nothing")


@pytest.mark.parametrize(
    ("event", "platform", "asked", "expected"),
    [
        ("failed", "azure", Wanted(), ["serial"]),
        ("failed", "azure", Wanted(platform=True), ["serial", "kvp", "vsock", "azure"]),
        ("failed", "hyperv", Wanted(platform=True), ["serial", "kvp", "vsock"]),
        ("provisioned", "gcp", Wanted("http://a", platform=True), ["vsock", "gcp", "url"]),
        ("started", "vmware", Wanted("http://a", platform=True), ["serial", "vmware", "vsock", "url"]),
        ("provisioned", "qemu", Wanted("http://a"), ["url"]),
    ],
)
def test_sinks(event: str, platform: str, asked: Wanted, expected: list[str], tmp_path: Path) -> None:
    """A machine whose monitor has a notify socket, and one without."""
    without = [name for name in expected if name != "vsock"]
    assert chosen(event, platform, asked, str(tmp_path)) == without
    (tmp_path / NOTIFY_SOCKET[1:]).parent.mkdir(parents=True)
    (tmp_path / NOTIFY_SOCKET[1:]).write_text("vsock:2:1")
    assert chosen(event, platform, asked, str(tmp_path)) == expected
