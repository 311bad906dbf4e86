"""Units that the config writes and nothing starts: what is enabled starts others, directly and through them.

Sources: systemd.unit(5), systemd.timer(5), systemd.socket(5), systemd.path(5), systemd.preset(5).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cached_property

from butane_py.linter.facts import Facts, Text
from butane_py.linter.rule import Find, lint
from butane_py.linter.tables import image_units
from ignition_py.report.diag import INFO
from ignition_py.report.examples import unit

_PULLS = (
    "Wants",
    "Requires",
    "BindsTo",
    "BindTo",
    "Upholds",
    "Requisite",
    "OnFailure",
    "OnSuccess",
    "PropagatesReloadTo",
)
_ACTIVATES = {".timer": "Timer", ".socket": "Socket", ".path": "Path", ".automount": "Automount"}
_WATCHED = (
    ".service",
    ".timer",
    ".socket",
    ".path",
    ".mount",
    ".automount",
    ".swap",
)  # targets and slices are groups, not work
_UNIT_WORD = (
    r"(?<![\w:.@\\-])[\w:.@\\-]{1,255}\.(?:service|timer|socket|path|mount|automount|swap|target|container|pod|kube)\b"
)
_SYSTEMCTL = r"systemctl\s[^\n;&|]{0,200}?\b(?:start|restart|enable|reenable|isolate|reload-or-restart|try-restart)\b([^\n;&|]{0,500})"
_IMAGE_PREFIXES = (
    "coreos-",
    "ignition-",
    "ostree-",
    "rpm-ostree",
    "systemd-",
    "dracut-",
    "flatcar-",
    "console-login-helper-messages",
)
_MOST_TEXT = 1 << 21  # characters of contents that are searched for names of units
_TEXT = "|\n    [Service]\n    ExecStart=/bin/true\n"
_INSTALL = "    [Install]\n    WantedBy=multi-user.target\n"


class Starts:
    """Which units of a config are started by what."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.texts: dict[str, list[Text]] = {}
        for text in facts.texts:
            self.texts.setdefault(_service_of(text), []).append(text)
        self.names = {name: name for name in self.texts}
        for name, texts in self.texts.items():
            for alias in (alias for text in texts for alias in text.read.words("Install", "Alias")):
                self.names.setdefault(alias, name)
        for link in facts.compiled.storage.links:
            if link.path.startswith("/etc/systemd/system/") and link.target:
                self.names.setdefault(link.path.rpartition("/")[2], link.target.rpartition("/")[2])

    def pulls(self, name: str) -> set[str]:
        """Names of the units that starting `name` starts."""
        found: set[str] = set()
        stem, dot, kind = name.rpartition(".")
        section = _ACTIVATES.get(dot + kind)
        texts = self.texts.get(name, []) + (self.texts.get(_template(name), []) if "@" in name else [])
        for text in texts:
            found.update(text.read.words("Unit", *_PULLS))
            found.update(text.read.words("Service", "Sockets"))
            found.update(text.read.words("Install", "Also"))
            found.update(self._mounts(text.read.words("Unit", "RequiresMountsFor", "WantsMountsFor")))
            found.update(self._quadlets(text))
            if section:
                found.update(text.read.words(section, "Unit", "Service"))
        if section and not any(text.read.words(section, "Unit", "Service") for text in texts):
            found.add(f"{stem}.mount" if kind == "automount" else f"{stem}.service")
            if kind == "socket":
                found.add(f"{stem}@.service")
        if texts and kind == "service":
            found.update(
                self._mentioned(
                    " ".join(s.value for text in texts for s in text.read.settings if s.name.startswith("Exec"))
                )
            )
        return {self.names.get(each, each) for each in found}

    def _quadlets(self, text: Text) -> set[str]:
        """Services of the quadlets that a quadlet names, such as Pod=web.pod."""
        if not text.quadlet:
            return set()
        values = " ".join(setting.value for setting in text.read.settings)
        return {
            _service(word)
            for word in re.findall(
                r"(?<![\w.@-])[\w.@-]{1,255}\.(?:container|pod|kube|network|volume|build|image)\b", values
            )
        }

    def _mounts(self, paths: list[str]) -> set[str]:
        from butane_py.features.mount_units import unit_name_escape

        prefixes = {
            "/".join(path.split("/")[:length]) for path in paths for length in range(2, min(40, path.count("/") + 2))
        }
        return {f"{unit_name_escape(prefix)}.mount" for prefix in prefixes}

    @cached_property
    def roots(self) -> set[str]:
        """Units that start without another unit of this config."""
        found: set[str] = set()
        for each in self.facts.compiled.systemd.units:
            if each.enabled and not each.mask:
                found.add(each.name)
            if not each.contents:
                found.add(each.name)  # the image's own, which this config adds a drop-in to
        found |= {name for name in self.texts if _of_the_image(name)}
        for name, texts in self.texts.items():
            wanted = any(text.read.words("Install", "WantedBy", "RequiredBy", "UpheldBy") for text in texts)
            if wanted and (any(text.quadlet for text in texts) or self._preset(name)):
                found.add(name)
        storage = self.facts.compiled.storage
        for path in [*(link.path for link in storage.links), *(file.path for file in storage.files)]:
            folder, _, name = path.rpartition("/")
            if folder.endswith((".wants", ".requires", ".upholds")):
                found.add(self.names.get(name, name))
            elif folder == "/etc/systemd/system" and self.names.get(name, name) != name and name in image_units():
                found.add(self.names[name])
        return found | self._named_elsewhere()

    def _preset(self, name: str) -> bool:
        """True if a preset file of the config enables the unit."""
        for file in self.facts.files:
            if file.path.endswith(".preset") and file.text:
                for line in file.text.splitlines():
                    words = line.split()
                    if len(words) > 1 and words[0] in ("enable", "disable") and fnmatchcase(name, words[1]):
                        return words[0] == "enable"
        return False

    def _named_elsewhere(self) -> set[str]:
        """Units that contents of other files name: scripts, udev rules, D-Bus services."""
        found: set[str] = set()
        left = _MOST_TEXT
        units = {text.at for texts in self.texts.values() for text in texts}
        for file in self.facts.files:
            if file.inside not in units and left > 0 and (text := file.text):
                found |= self._mentioned(text[:left])
                left -= len(text)
        return found

    def _mentioned(self, text: str) -> set[str]:
        found = set(re.findall(_UNIT_WORD, text))
        for words in re.findall(_SYSTEMCTL, text):
            found.update(f"{word}.service" for word in words.split() if "." not in word and not word.startswith("-"))
        return {self.names.get(name, name) for name in found}

    @cached_property
    def started(self) -> set[str]:
        return self._closure(self.roots)

    def _closure(self, names: set[str]) -> set[str]:
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += self.pulls(name)
                if "@" in name:
                    seen.add(_template(name))
        return seen

    def first_unstarted(self, names: list[str]) -> list[str]:
        """Of `names`, those that are not started; not those that an unstarted one would start."""
        left = [name for name in names if name not in self.started]
        pulled = {below for name in left for below in self.pulls(name) if below != name}
        first = [name for name in left if name not in pulled]
        covered = self._closure(set(first))
        for name in left:  # rings: units that only start each other
            if name not in covered:
                first.append(name)
                covered |= self._closure({name})
        return first


def _of_the_image(name: str) -> bool:
    """True for units, and instances of templates, that an image brings: this config overrides them, and the image starts them."""
    return (
        name.startswith(_IMAGE_PREFIXES) or name in image_units() or ("@" in name and _template(name) in image_units())
    )


def _service(quadlet: str) -> str:
    """The unit that Podman's generator makes of a quadlet."""
    stem, _, kind = quadlet.rpartition(".")
    return f"{stem}.service" if kind in ("container", "kube") else f"{stem}-{kind}.service"


def _service_of(text: Text) -> str:
    return _service(text.unit) if text.quadlet else text.unit


def _template(name: str) -> str:
    head, _, tail = name.partition("@")
    return f"{head}@.{tail.rpartition('.')[2]}"


@lint(
    "lint-unit-not-started",
    title="Nothing starts a unit",
    why="The unit is written and never runs: it is not enabled, and no unit, link, preset or script of this config names it.",
    fix="Write enabled: true; a unit without an [Install] section needs one for that. enabled: false says that it is started by hand.",
    wrong=unit(f"contents: {_TEXT}"),
    right=unit(f"enabled: true\ncontents: {_TEXT}{_INSTALL}"),
)
def unit_not_started(facts: Facts, find: Find) -> None:
    """Units of systemd.units that nothing starts; what is to be merged may start any."""
    if facts.merges:
        return
    starts = Starts(facts)
    at = {}
    for i, each in enumerate(facts.compiled.systemd.units):
        if (
            each.contents
            and each.enabled is None
            and not each.mask
            and each.name.endswith(_WATCHED)
            and "@." not in each.name
        ):
            at[each.name] = i
    for name in starts.first_unstarted(list(at)):
        path = ("systemd", "units", at[name], "name")
        if any(text.read.has("Install") for text in starts.texts[name]):
            find.at(path, f"{name} has an [Install] section and is not enabled, so it does not start at boot",
                    hint="write enabled: true, or enabled: false if it is started by hand", severity=INFO)  # fmt: skip
        else:
            find.at(path, f"nothing starts {name}: it is not enabled and nothing in this config names it",
                    hint="add an [Install] section with WantedBy=multi-user.target and enabled: true, or enabled: false if it is started by hand")  # fmt: skip


@lint(
    "lint-unit-as-file",
    severity=INFO,
    title="A unit is written as a file, and nothing starts it",
    why="storage.files only writes it. Units of systemd.units can be enabled.",
    fix="Move it to systemd.units with enabled: true.",
    wrong="storage:\n  files:\n    - path: /etc/systemd/system/example.service\n      contents:\n        inline: |\n          [Service]\n"
    "          ExecStart=/bin/true\n",
    right=unit(f"enabled: true\ncontents: {_TEXT}{_INSTALL}"),
)
def unit_as_file(facts: Facts, find: Find) -> None:
    """Unit files below /etc/systemd/system that nothing starts."""
    if facts.merges:
        return
    starts = Starts(facts)
    listed = {each.name for each in facts.compiled.systemd.units}
    at = {text.unit: text.at for text in facts.texts if text.as_file and not text.dropin}
    names = [name for name in at if name not in listed and name.endswith(_WATCHED) and "@." not in name]
    for name in starts.first_unstarted(names):
        find.at(
            (*at[name][:3], "path"),
            f"{name} is written as a file and nothing starts it",
            hint="move it to systemd.units with enabled: true",
        )
