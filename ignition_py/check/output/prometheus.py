"""Prometheus' text format, for node_exporter's textfile collector or a push gateway.

Source: "Exposition formats" of Prometheus' documentation, version 0.0.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ignition_py.check.findings.row import STATE_NAMES, STATES
from ignition_py.check.result import Checked, grouped
from ignition_py.system.streams import encoded

_ASKED, _ITEMS, _DIFFERENCE = "ignition_check_asked", "ignition_check_items", "ignition_check_difference"


def text(results: Sequence[Checked]) -> str:
    """Gauges: whether a machine could be asked, its rows by state, and 1 for each row that is not as the config says."""
    lines = [f"# HELP {_ASKED} 1 if the machine could be asked.", f"# TYPE {_ASKED} gauge"]
    lines += [_sample(_ASKED, {"host": result.target.name}, 0 if result.why else 1) for result in results]
    lines += [f"# HELP {_ITEMS} Entries of the config by state.", f"# TYPE {_ITEMS} gauge"]
    for result in results:
        for state in STATES if not result.why else ():
            lines.append(_sample(_ITEMS, {"host": result.target.name, "state": STATE_NAMES[state]}, result.counted(state)))
    lines += [f"# HELP {_DIFFERENCE} 1 for an entry that differs or was not looked at.", f"# TYPE {_DIFFERENCE} gauge"]
    seen = set()
    for group in grouped(results):
        for host in group.hosts:
            labels = {"host": host, "kind": group.row.kind, "name": group.row.name, "state": STATE_NAMES[group.row.state]}
            sample = _sample(_DIFFERENCE, labels, 1)
            lines += [] if sample in seen else [sample]
            seen.add(sample)
    return encoded("\n".join([*lines, ""])).decode()


def _sample(name: str, labels: Mapping[str, str], value: int) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
