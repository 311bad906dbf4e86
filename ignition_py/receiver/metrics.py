"""The fleet in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

from ignition_py.receiver.fleet import STATES, Fleet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(fleet: Fleet) -> str:
    """How many machines are in each state, and the state of each machine with the time since which it has it."""
    lines = ["# HELP ignition_machines Machines by state.", "# TYPE ignition_machines gauge"]
    lines += [f'ignition_machines{{state="{state}"}} {count}' for state, count in fleet.counts().items()]
    machines = fleet.machines()
    lines += [
        "# HELP ignition_machine_state 1 for the state that a machine is in.",
        "# TYPE ignition_machine_state gauge",
    ]
    for machine in machines:
        name = _label(machine.name)
        lines += [
            f'ignition_machine_state{{machine="{name}",state="{state}"}} {int(state == machine.state)}'
            for state in STATES
        ]
    lines += [
        "# HELP ignition_machine_since_seconds When a machine got into its state, in seconds since 1970.",
        "# TYPE ignition_machine_since_seconds gauge",
    ]
    lines += [
        f'ignition_machine_since_seconds{{machine="{_label(machine.name)}"}} {machine.since:.0f}'
        for machine in machines
    ]
    return "".join(f"{line}\n" for line in lines)


def _label(text: str) -> str:
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return text.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "replace").decode()
