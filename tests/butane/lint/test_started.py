"""What starts a unit, and what only looks like it."""

from __future__ import annotations

import pytest

from tests.butane.lint.linted import entries, file, one_unit

RUN = "[Service]\nExecStart=/bin/true\n"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
SELECT = ("lint-unit-not-started", "lint-unit-as-file", "lint-quadlet-not-started")
UNITS = "systemd:\n  units:\n"
A = one_unit("a.service", RUN, enabled=None)



def _started(text: str) -> bool:
    return entries(text, select=SELECT) == []


@pytest.mark.parametrize(
    ("unit", "severity"),
    [
        (A, "warning"),
        (one_unit("a.service", RUN + INSTALL, enabled=None), "info"),
        (one_unit("a.timer", "[Timer]\nOnCalendar=daily\n", enabled=None), "warning"),
        (one_unit("a.socket", "[Socket]\nListenStream=1\n", enabled=None), "warning"),
    ],
)
def test_nothing_starts_it(unit: str, severity: str) -> None:
    assert [entry.severity for entry in entries(UNITS + unit, select=SELECT)] == [severity]


@pytest.mark.parametrize(
    "units",
    [
        one_unit("a.service", RUN + INSTALL),
        one_unit("a.service", RUN + INSTALL, enabled=False),
        A.rstrip() + "\n      mask: true\n",
        one_unit("a@.service", RUN, enabled=None),
        one_unit("a.target", "[Unit]\nDescription=a\n", enabled=None),
        one_unit("a.slice", "[Slice]\nCPUWeight=1\n", enabled=None),
        "    - name: a.service\n      dropins: [{name: x.conf, contents: '[Service]'}]\n",
        one_unit("docker.service", RUN, enabled=None),
        one_unit("getty@tty1.service", RUN, enabled=None),
        one_unit("coreos-something.service", RUN, enabled=None),
        *[
            A + one_unit(name, text + INSTALL)
            for name, text in (
                ("a.timer", "[Timer]\nOnCalendar=daily\n"),
                ("a.path", "[Path]\nPathExists=/a\n"),
                ("a.socket", "[Socket]\nListenStream=1\n"),
                ("b.timer", "[Timer]\nOnCalendar=daily\nUnit=a.service\n"),
                ("b.socket", "[Socket]\nListenStream=1\nService=a.service\n"),
                ("b.service", f"[Unit]\nWants=c.service a.service\n{RUN}"),
                ("b.service", f"[Unit]\nRequires=a.service\n{RUN}"),
                ("b.service", f"[Unit]\nBindsTo=a.service\n{RUN}"),
                ("b.service", f"[Unit]\nUpholds=a.service\n{RUN}"),
                ("b.service", f"[Unit]\nOnFailure=a.service\n{RUN}"),
                ("b.service", "[Service]\nExecStart=/usr/bin/systemctl start --no-block a\n"),
                ("b.service", "[Service]\nExecStart=/usr/bin/systemctl restart a.service\n"),
            )
        ],
        A + "    - name: docker.service\n      dropins:\n        - name: a.conf\n          contents: |\n            [Unit]\n            Wants=a.service\n",
        one_unit("a.service", f"{RUN}[Install]\nAlias=z.service\n", enabled=None) + one_unit("b.service", f"[Unit]\nWants=z.service\n{RUN}{INSTALL}"),
        one_unit("a@.service", RUN, enabled=None) + one_unit("b.service", f"[Unit]\nWants=a@1.service\n{RUN}{INSTALL}"),
        one_unit("var-a.mount", "[Mount]\nWhat=/dev/a\nWhere=/var/a\n", enabled=None)
        + one_unit("b.service", f"[Unit]\nRequiresMountsFor=/var/a/b\n{RUN}{INSTALL}"),
        one_unit("var-a.mount", "[Mount]\nWhat=/dev/a\nWhere=/var/a\n", enabled=None) + one_unit("var-a.automount", f"[Automount]\nWhere=/var/a\n{INSTALL}"),
    ],
)  # fmt: skip
def test_something_starts_it(units: str) -> None:
    assert _started(UNITS + units)


@pytest.mark.parametrize(
    "storage",
    [
        "  links: [{path: /etc/systemd/system/multi-user.target.wants/a.service, target: ../a.service}]\n",
        "  links: [{path: /etc/systemd/system/b.target.requires/a.service, target: ../a.service}]\n",
        file("/etc/udev/rules.d/a.rules", 'ACTION=="add", ENV{SYSTEMD_WANTS}="a.service"').removeprefix("storage:\n"),
        file("/opt/run.sh", "#!/bin/sh\nsystemctl enable --now a", "mode: 0755").removeprefix("storage:\n"),
        file("/etc/containers/systemd/b.container", f"[Unit]\nWants=a.service\n[Container]\nImage=q.io/a:1\n{INSTALL}").removeprefix("storage:\n"),
        file("/etc/systemd/system/docker.service.d/a.conf", "[Unit]\nWants=a.service").removeprefix("storage:\n"),
        file("/etc/dbus-1/system-services/a.service", "[D-BUS Service]\nSystemdService=a.service").removeprefix("storage:\n"),
    ],
)
def test_files_and_links_that_start_it(storage: str) -> None:
    assert _started(f"{UNITS}{A}storage:\n{storage}")


def test_presets() -> None:
    installed = UNITS + one_unit("a.service", RUN + INSTALL, enabled=None)
    assert _started(installed + file("/etc/systemd/system-preset/10-a.preset", "enable a.*"))
    assert not _started(installed + file("/etc/systemd/system-preset/10-a.preset", "disable a.*\nenable a.*"))
    assert not _started(installed + file("/etc/systemd/system-preset/10-a.preset", "enable b.service"))


@pytest.mark.parametrize(
    "text",
    [
        one_unit("b.service", f"[Unit]\nAfter=data.service\n{RUN}{INSTALL}") + A,
        one_unit("b.service", f"[Unit]\nAfter=a.service\nBefore=a.service\nConflicts=a.service\n{RUN}{INSTALL}") + A,
        one_unit("b.service", f"# Wants=a.service\n{RUN}{INSTALL}") + A,
        one_unit("ba.timer", f"[Timer]\nOnCalendar=daily\n{INSTALL}") + A,
        A + "    - name: docker.service\n      mask: true\n",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert [entry.message.split()[2] for entry in entries(UNITS + text, select=SELECT)] == ["a.service:"]


def test_consequences_are_not_reported() -> None:
    b = one_unit("b.service", f"[Unit]\nWants=a.service\n{RUN}", enabled=None)
    assert ["b.service" in entry.message for entry in entries(UNITS + A + b, select=SELECT)] == [True]


def test_a_ring_is_reported_once() -> None:
    ring = "".join(one_unit(f"{a}.service", f"[Unit]\nWants={b}.service\n{RUN}", enabled=None) for a, b in ("ab", "bc", "ca"))
    assert ["a.service" in entry.message for entry in entries(UNITS + ring, select=SELECT)] == [True]


def test_what_is_merged_may_start_anything() -> None:
    assert _started(f"ignition:\n  config:\n    merge: [{{source: 'https://example.com/a'}}]\n{UNITS}{A}")


def test_units_written_as_files() -> None:
    assert [entry.code for entry in entries(file("/etc/systemd/system/a.service", RUN), select=SELECT)] == ["lint-unit-as-file"]
    assert _started(file("/etc/systemd/system/a.service", RUN) + UNITS + "    - {name: a.service, enabled: true}\n")
    assert _started(file("/etc/systemd/system/a@.service", RUN))
    assert _started(file("/etc/systemd/system/a.service.d/x.conf", RUN))
    assert _started(file("/etc/systemd/network/a.network", "[Match]\nName=a"))
