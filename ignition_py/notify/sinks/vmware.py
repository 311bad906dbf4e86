"""Sink `vmware`: the guestinfo variables `ignition.event` and `ignition.report`, which `govc vm.info -e` and PowerCLI show."""

from __future__ import annotations

from ignition_py.notify.event import Report
from ignition_py.notify.sinks import Door
from ignition_py.providers import vmware_rpc
from ignition_py.report.diag import IgnitionError

EVENT, REPORT = "guestinfo.ignition.event", "guestinfo.ignition.report"


def tell(report: Report, _: Door) -> None:
    """Sets them, the event last. Raises IgnitionError."""
    if not vmware_rpc.present():
        raise IgnitionError("this is not a virtual machine of VMware's")
    vmware_rpc.put(REPORT, report.body)
    vmware_rpc.put(EVENT, report.event.encode())
