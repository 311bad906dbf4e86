"""One row: an entry of the config, what it says, what is there."""

from __future__ import annotations

from typing import Any

from ignition_py.record import KW_ONLY, Record
from ignition_py.report.diag import Path, Place

NONE = "(none)"
SAME, DIFFERENT, UNSEEN, OTHERS, IGNORED = STATES = ("ok", "NO", "??", "--", "~~")
# What the states are called where programs read them.
STATE_NAMES = {SAME: "ok", DIFFERENT: "different", UNSEEN: "not looked at", OTHERS: "set by others", IGNORED: "ignored"}
NOT_LOOKED_AT = "not looked at: permission denied"


class Row(Record):
    """`kind` and `name` of the entry, what the config says, what is there. `path`: of the entry in the config.

    `state`: SAME; DIFFERENT; UNSEEN, which the one who asked may not read; OTHERS, different by design (somebody else sets it too);
    IGNORED, a difference that --ignore lists. `note`: a remark on a row. `place`: where the author wrote the entry, once looked up.
    """

    kind: str
    name: str
    wanted: str
    found: str
    _: KW_ONLY
    state: str = ""
    note: str = ""
    path: Path = ()
    place: Place | None = None

    def __init__(self, kind: str, name: str, wanted: str, found: str, ok: bool | None = None, **more: Any) -> None:
        """`ok`: whether what is found is right, where that is not the same text as what is wanted."""
        same = wanted == (found or NONE) if ok is None else ok
        more["state"] = more.get("state") or (SAME if same else DIFFERENT)
        super().__init__(kind, name, wanted, found or NONE, **more)

    @property
    def ok(self) -> bool:
        """True unless the machine differs from the config here, or that is not known."""
        return self.state in (SAME, OTHERS, IGNORED)

    def data(self) -> dict[str, object]:
        """The row for programs."""
        return {"kind": self.kind, "name": self.name, "wanted": self.wanted, "found": self.found, "ok": self.ok}


def unseen(kind: str, name: str, wanted: str, *, path: Path, why: str = NOT_LOOKED_AT) -> Row:
    """A row whose entry could not be looked at."""
    return Row(kind, name, wanted, why, state=UNSEEN, path=path)
