"""One entry of the catalogue, and short ways to write its examples."""

from __future__ import annotations

FCOS = "fcos 1.6.0"
OPENSHIFT = "openshift 4.18.0"
_ROLE = "metadata:\n  name: example\n  labels:\n    machineconfiguration.openshift.io/role: worker\n"


class Code:
    """A kind of report. `wrong` and `right` are YAML without variant and version (`row` gives them), unless they say their own.

    `local` tells that the examples need --files-dir, `raw` that they need --raw. Kinds that no config alone can show have no examples.
    """

    __slots__ = ("local", "name", "raw", "right", "row", "text", "title", "wrong")

    def __init__(
        self,
        name: str,
        title: str,
        text: str,
        wrong: str = "",
        right: str = "",
        row: str = FCOS,
        *,
        local: bool = False,
        raw: bool = False,
    ) -> None:
        self.name = name
        self.title = title
        self.text = text
        self.wrong = wrong
        self.right = right
        self.row = row
        self.local = local
        self.raw = raw

    @property
    def lint(self) -> bool:
        """Is it only found with --lint?"""
        return self.name.startswith("lint-")

    def example(self, text: str) -> str:
        """An example as a whole config."""
        if "variant:" in text or not text or text.startswith("["):
            return text
        variant, _, version = self.row.partition(" ")
        role = _ROLE if variant == "openshift" and "metadata:" not in text else ""
        return f"variant: {variant}\nversion: {version}\n{role}{text}"


def indented(text: str, spaces: int) -> str:
    pad = " " * spaces
    return "".join(f"{pad}{line}\n" for line in text.splitlines())


def entry(section: str, kind: str, text: str) -> str:
    """One entry of a list such as storage.files."""
    first, *rest = text.splitlines()
    return f"{section}:\n  {kind}:\n    - {first}\n" + indented("\n".join(rest), 6)


def file_(text: str) -> str:
    return entry("storage", "files", f"path: /etc/motd\n{text}")


def disk(text: str) -> str:
    return entry("storage", "disks", f"device: /dev/sda\n{text}")


def partition(text: str, *more: str) -> str:
    """A disk with partitions, a flow mapping each."""
    rows = "".join(f"  - {{{each}}}\n" for each in (text, *more))
    return disk(f"wipe_table: true\npartitions:\n{rows}")


def filesystem(text: str) -> str:
    return entry("storage", "filesystems", f"device: /dev/sda1\n{text}")


def luks(text: str) -> str:
    return entry("storage", "luks", f"name: data\ndevice: /dev/sda1\n{text}")


def array(text: str) -> str:
    return entry("storage", "raid", f"name: data\n{text}")


def unit(text: str, name: str = "example.service") -> str:
    return entry("systemd", "units", f"name: {name}\n{text}")
