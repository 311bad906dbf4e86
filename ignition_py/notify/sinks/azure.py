"""Sink `azure`: the health of the machine, for the host that waits for it. Without it a machine that failed is a "provisioning
timeout" after many minutes, and one whose agent says nothing too.

    POST /provisioning/health          JSON: Ready; NotReady with Provisioning or ProvisioningFailed and a description
    /machine?comp=goalstate, =health   XML, where the host does not know the former: it wants the ids of the goal state back

Sources: https://learn.microsoft.com/en-us/azure/virtual-machines/linux/no-agent; what azure-init and cloud-init send.
"""

from __future__ import annotations

from xml.parsers.expat import ExpatError, ParserCreate

from ignition_py import __version__
from ignition_py import quickjson as json
from ignition_py.fetch.request import NotFound, Refused
from ignition_py.notify.event import FAILED, PROVISIONED, Report
from ignition_py.notify.sinks import Door
from ignition_py.report.diag import FetchError

HOST = "http://168.63.129.16"
DESCRIPTION = 512  # characters that cloud-init sends at most
_AGENT = f"ignition-py/{__version__}"
_VERSION = ("x-ms-version", "2012-11-30")
_IDS = ("Incarnation", "ContainerId", "InstanceId")


def tell(report: Report, door: Door) -> None:
    """Tells the host. Raises FetchError."""
    state = "Ready" if report.event == PROVISIONED else "NotReady"
    details = (
        {} if state == "Ready" else {"subStatus": "ProvisioningFailed" if report.event == FAILED else "Provisioning"}
    )
    if details:
        details["description"] = description(report)
    body = {"state": state, **({"details": details} if details else {})}
    headers = (("x-ms-guest-agent-name", _AGENT), ("Content-Type", "application/json"))
    try:
        door.send(f"{HOST}/provisioning/health", "POST", json.dumps(body).encode(), headers=headers)
    except (NotFound, Refused):
        _goal_state(door, state, details)


def description(report: Report) -> str:
    """What a person reads in the portal."""
    data = report.data
    if report.event != FAILED:
        return f"Ignition: {report.event}"
    where = data["written"] or {"file": data["source"], "line": data["line"]}
    place = f" ({where['file']}, line {where['line']})" if where["file"] and where["line"] else ""
    return f"Ignition failed in stage {data['stage']}: {data['message']}{place}"[:DESCRIPTION]


def _goal_state(door: Door, state: str, details: dict[str, str]) -> None:
    """The older way. Raises FetchError."""
    goal = door.send(f"{HOST}/machine/?comp=goalstate", headers=(("x-ms-agent-name", _AGENT), _VERSION))
    incarnation, container, instance = (_escape(value) for value in _ids(goal))
    tags = (("subStatus", "SubStatus"), ("description", "Description")) if details else ()
    more = "".join(f"<{tag}>{_escape(details[name])}</{tag}>" for name, tag in tags)
    health = f"<Health><State>{state}</State>{f'<Details>{more}</Details>' if more else ''}</Health>"
    role = f"<RoleInstanceList><Role><InstanceId>{instance}</InstanceId>{health}</Role></RoleInstanceList>"
    document = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<Health><GoalStateIncarnation>{incarnation}</GoalStateIncarnation>'
        f"<Container><ContainerId>{container}</ContainerId>{role}</Container></Health>"
    )
    headers = (("x-ms-agent-name", _AGENT), _VERSION, ("Content-Type", "text/xml; charset=utf-8"))
    door.send(f"{HOST}/machine?comp=health", "POST", document.encode(), headers=headers)


def _ids(document: bytes) -> list[str]:
    """The first text of each element of _IDS. Raises FetchError where one is missing."""
    texts: dict[str, str] = {}
    path: list[str] = []

    def text(data: str) -> None:
        if path[-1] in _IDS:
            texts[path[-1]] = texts.get(path[-1], "") + data

    def end(name: str) -> None:
        path.pop()
        if name in _IDS:
            texts.setdefault(f"{name} done", "")
            parser.CharacterDataHandler = None if all(f"{one} done" in texts for one in _IDS) else text

    parser = ParserCreate()
    parser.StartElementHandler = lambda name, _: path.append(name)
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(document, True)
    except ExpatError:
        raise FetchError("the goal state of Azure's host is not XML") from None
    if not all(texts.get(name, "").strip() for name in _IDS):
        raise FetchError("the goal state of Azure's host lacks the machine's ids")
    return [texts[name].strip() for name in _IDS]


def _escape(text: str) -> str:
    """Text for an element; what no XML document can hold becomes a question mark (XML 1.0, section 2.2)."""
    kept = "".join(
        char if char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff" else "?"
        for char in text
    )
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
