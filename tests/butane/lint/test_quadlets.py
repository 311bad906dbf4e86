"""Rules of quadlets, from systemd.quadlets and from files below /etc/containers/systemd."""

from __future__ import annotations

from textwrap import indent

import pytest

from tests.butane.lint.linted import codes, file

HEAD = "variant: fcos\nversion: 1.8.0-experimental\n"
INSTALL = "[Install]\nWantedBy=multi-user.target\n"
WEB = f"[Container]\nImage=quay.io/a/web:1\n{INSTALL}"


def quadlets(**texts: str) -> str:
    """A config of quadlets; `web_container` is web.container."""
    rows = (f"    - name: {name.replace('_', '.')}\n      rootful: true\n      contents: |\n{indent(text, '        ')}" for name, text in texts.items())
    return f"{HEAD}systemd:\n  quadlets:\n" + "".join(rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (quadlets(web_container=WEB), []),
        (quadlets(web_container=WEB.replace("Image=quay.io/a/web:1", "Exec=a")), ["lint-quadlet-incomplete"]),
        (quadlets(web_container=WEB.replace("Image=quay.io/a/web:1", "Rootfs=/a")), []),
        (quadlets(web_kube=f"[Kube]\nYaml=a.yaml\n{INSTALL}"), []),
        (quadlets(web_kube=f"[Kube]\nNetwork=host\n{INSTALL}"), ["lint-quadlet-incomplete"]),
        (quadlets(web_container=WEB.replace(":1", ":latest")), ["lint-quadlet-latest"]),
        (quadlets(web_container=WEB.replace(":1", "")), ["lint-quadlet-latest"]),
        (quadlets(web_container=WEB.replace(":1", "@sha256:" + "0" * 64)), []),
        (quadlets(web_container=WEB.replace("quay.io/a/web:1", "localhost:5000/web:1")), []),
        (quadlets(web_container=WEB.replace("quay.io/a/web:1", "localhost:5000/web")), ["lint-quadlet-latest"]),
        (quadlets(web_container=WEB.replace("quay.io/a/web:1", "quay.io/a/web:latest\nAutoUpdate=registry")), []),
        (quadlets(web_container=WEB.replace(INSTALL, "")), ["lint-quadlet-not-started"]),
        (quadlets(web_container=WEB.replace(INSTALL, ""), db_container=f"[Unit]\nWants=web.service\n{WEB}"), []),
        (quadlets(web_container=WEB.replace(INSTALL, "Pod=all.pod\n"), all_pod=f"[Pod]\nPodName=a\n{INSTALL}"), []),
        (quadlets(web_container=WEB.replace(INSTALL, "Pod=all.pod\n"), all_pod="[Pod]\nPodName=a\n"), ["lint-quadlet-not-started"]),
        (quadlets(web_volume="[Volume]\nLabel=a\n"), []),
        (quadlets(web_container=WEB.replace("[Install]", "Network=app.network\n[Install]")), ["lint-quadlet-reference"]),
        (quadlets(web_container=WEB.replace("[Install]", "Network=app.network\n[Install]"), app_network="[Network]\nLabel=a\n"), []),
        (quadlets(web_container=WEB.replace("[Install]", "Network=app\n[Install]")), []),
        (quadlets(web_container=WEB.replace("[Install]", "Volume=data.volume:/data:Z\n[Install]")), ["lint-quadlet-reference"]),
        (quadlets(web_container=WEB.replace("[Install]", "Volume=/srv/x.volume:/data\n[Install]")), []),
        (quadlets(web_container=WEB.replace("[Install]", "Volume=data:/data\n[Install]")), []),
        (quadlets(web_container=WEB.replace("Image=quay.io/a/web:1", "Image=own.build")), ["lint-quadlet-reference"]),
        (quadlets(web_container=WEB.replace("[Container]", "[Containr]")), ["lint-unit-section"]),
        (quadlets(web_container=WEB.replace("[Install]", "PublishPorts=80\n[Install]")), ["lint-unit-directive"]),
        (quadlets(web_container=f"[Service]\nRestart=always\n[Quadlet]\nDefaultDependencies=false\n{WEB}"), []),
        (quadlets(web_container=f"[Timer]\nOnCalendar=daily\n{WEB}"), ["lint-unit-section"]),
    ],
)  # fmt: skip
def test_quadlets(text: str, expected: list[str]) -> None:
    assert sorted(codes(text)) == sorted(expected)


def test_quadlets_written_as_files() -> None:
    assert codes(file("/etc/containers/systemd/web.container", WEB)) == []
    assert codes(file("/etc/containers/systemd/web.container", WEB.replace(INSTALL, ""))) == ["lint-quadlet-not-started"]
    assert codes(file("/etc/containers/systemd/notes.txt", "nothing")) == []


def test_a_timer_starts_a_quadlet() -> None:
    timer = "  units:\n    - name: web.timer\n      enabled: true\n      contents: |\n        [Timer]\n        OnCalendar=daily\n        [Install]\n        WantedBy=timers.target\n"
    assert codes(quadlets(web_container=WEB.replace(INSTALL, "")) + timer) == []
