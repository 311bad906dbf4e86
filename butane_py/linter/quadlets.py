"""Quadlets: what Podman's generator refuses, and containers that nothing starts. Source: podman-systemd.unit(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from butane_py.linter.facts import Facts, Text
from butane_py.linter.rule import Find, lint
from butane_py.linter.started import Starts
from butane_py.linter.unit_settings import misspells
from ignition_py.report.diag import INFO

_ROW = "fcos 1.8.0-experimental"
_INSTALL = "          [Install]\n          WantedBy=multi-user.target\n"
_GOOD = (
    "systemd:\n  quadlets:\n    - name: web.container\n      rootful: true\n      contents: |\n          [Container]\n"
    "          Image=quay.io/app/web:1.2\n" + _INSTALL
)
_NEEDS = {
    ".container": (("Image", "Rootfs"), "Image="),
    ".kube": (("Yaml",), "Yaml="),
    ".image": (("Image",), "Image="),
    ".build": (("ImageTag",), "ImageTag="),
}
_REFERENCE = r"(?<![\w%.@-])[\w%.-]{1,255}(?:@[\w%.-]{0,255})?\.(network|volume|pod|image|build|container)(?=[:\s]|$)"
_NAMING = {
    "Network": ("network", "container"),
    "Volume": ("volume",),
    "Pod": ("pod",),
    "Image": ("image", "build"),
    "Mount": ("volume", "image", "build"),
}


def _quadlets(facts: Facts) -> Iterator[Text]:
    return (text for text in facts.texts if text.quadlet)


def _section(text: Text) -> str:
    return text.unit.rpartition(".")[2].capitalize()


@lint(
    "lint-quadlet-incomplete",
    title="A quadlet lacks what Podman needs",
    why="Podman's generator makes no service of it.",
    fix="Write the key that the message names.",
    wrong=_GOOD.replace("Image=quay.io/app/web:1.2", "Exec=/bin/true"),
    right=_GOOD,
    row=_ROW,
)
def quadlet_incomplete(facts: Facts, find: Find) -> None:
    """Containers without Image=, Kubernetes units without Yaml=, images without Image=, builds without ImageTag=."""
    for text in _quadlets(facts):
        names, written = _NEEDS.get("." + text.unit.rpartition(".")[2], ((), ""))
        together = [each for each in facts.texts if each.quadlet and each.unit == text.unit]
        section = _section(text)
        if (
            names
            and not text.dropin
            and not misspells(text, section, *names)
            and not any(each.read.all(section, *names) for each in together)
        ):
            line = next((line for name, line in text.read.sections if name == section), 1)
            find.in_text(
                text.at,
                line,
                f"{text.unit} has no {written} in [{section}]: Podman refuses it",
                hint=f"write {written}",
            )


@lint(
    "lint-quadlet-latest",
    severity=INFO,
    title="A container's image has no version",
    why="Two machines, or one machine before and after, may run different images.",
    fix="Write a tag or a digest: Image=quay.io/app/web:1.2.",
    wrong=_GOOD.replace("web:1.2", "web:latest"),
    right=_GOOD,
    row=_ROW,
)
def quadlet_latest(facts: Facts, find: Find) -> None:
    """Images tagged :latest, or without tag and digest, that nothing updates on purpose (AutoUpdate=)."""
    for text in _quadlets(facts):
        section = _section(text)
        if section not in ("Container", "Image") or text.read.last(section, "AutoUpdate"):
            continue
        for setting in text.read.all(section, "Image"):
            tail = setting.value.rpartition("/")[2]
            local = (
                setting.value.startswith("localhost/")
                or re.search(r"\.(image|build)$", setting.value)
                or re.search(r"[%$]", setting.value)
            )
            if not local and "@" not in tail and (":" not in tail or tail.endswith(":latest")):
                find.in_text(
                    text.at,
                    setting.line,
                    f"the image of {text.unit} has no version: {setting.value[:100]}",
                    hint="write a tag or a digest",
                )


@lint(
    "lint-quadlet-not-started",
    title="Nothing starts a quadlet",
    why="A quadlet's service cannot be enabled: it starts at boot only if it has an [Install] section, or something wants it.",
    fix="Write [Install] with WantedBy=multi-user.target (default.target for users).",
    wrong=_GOOD.replace(_INSTALL, ""),
    right=_GOOD,
    row=_ROW,
)
def quadlet_not_started(facts: Facts, find: Find) -> None:
    """Containers, pods and Kubernetes units without [Install] that no other unit names."""
    if facts.merges:
        return
    starts = Starts(facts)
    at = {}
    for text in _quadlets(facts):
        stem, _, kind = text.unit.rpartition(".")
        if kind in ("container", "kube", "pod") and not text.dropin and not stem.endswith("@") and not _joins(text):
            at[f"{stem}-pod.service" if kind == "pod" else f"{stem}.service"] = text
    for service in starts.first_unstarted(list(at)):
        text = at[service]
        message = f"nothing starts {text.unit}: it has no [Install] section and nothing in this config names it"
        find.at(text.at, message, hint="add [Install] with WantedBy=multi-user.target")


def _joins(text: Text) -> bool:
    """True for a container that its pod starts."""
    waits = text.read.last("Container", "StartWithPod").lower() in ("false", "no", "0", "off")
    return bool(text.read.last("Container", "Pod")) and not waits


@lint(
    "lint-quadlet-reference",
    title="A quadlet names another that is not there",
    why="Podman's generator refuses it, and makes no service of it.",
    fix="Add the quadlet, or name a network or volume of Podman without the suffix.",
    wrong=_GOOD.replace("Image=", "Network=app.network\n          Image="),
    right=_GOOD.replace("Image=", "Network=host\n          Image="),
    row=_ROW,
)
def quadlet_reference(facts: Facts, find: Find) -> None:
    """Network=x.network, Volume=x.volume:…, Pod=, Image= and Mount= that name quadlets which the config does not have."""
    if facts.merges:
        return
    names = {text.unit for text in _quadlets(facts)}
    templates = {name.partition("@")[0] + "@." + name.rpartition(".")[2] for name in names if "@" in name}
    for text in _quadlets(facts):
        for setting in text.read.settings:
            kinds = _NAMING.get(setting.name, ()) if setting.section == _section(text) else ()
            for found in re.finditer(_REFERENCE, setting.value[:4096]) if kinds else ():
                name = found[0]
                start = setting.value[: found.start()]
                whole = not start or start.endswith((" ", "source=", "src=", "Source="))
                template = name.partition("@")[0] + "@." + name.rpartition(".")[2]
                if found[1] in kinds and whole and "%" not in name and name not in names and template not in templates:
                    from butane_py.linter.rule import near

                    close = near(name, [each for each in names if each.endswith(f".{found[1]}")])
                    message = f"{setting.name}={name} of {text.unit}: there is no such quadlet in this config"
                    find.in_text(
                        text.at,
                        setting.line,
                        message + (f"; did you mean {close}?" if close else ""),
                        hint=f"add {name} to systemd.quadlets",
                    )
