"""The delivery of one host: its config in the version that the recipient reads, in the first form that fits."""

from __future__ import annotations

from collections.abc import Callable

from butane_py.compilation import Compilation
from butane_py.deliver.ladder import Wish, climb
from butane_py.deliver.largest import largest_entries
from butane_py.deliver.model import PLAIN, POINTER, WRAPPED, Delivery, DeliveryError
from butane_py.deliver.secrets.keeping import Kept
from butane_py.deliver.versions import NAMES, fitted
from butane_py.emit.json import emit_json, without_bad_bytes
from butane_py.fleet.result import HostResult
from ignition_py.report.catalog import OPENSHIFT, declare
from ignition_py.report.diag import ERROR, WARNING, Entry, Place, Report
from ignition_py.report.examples import file_
from ignition_py.spec.encode import to_data
from ignition_py.spec.tables import Config

_LARGE = file_("contents:\n  local: random.bin")
_SMALL = file_("contents:\n  local: a.txt")

declare(
    "pack-too-large",
    title="The config is larger than the platform takes",
    why="The platform refuses or cuts user data over its limit, and the machine does not come up. Neither as it is nor compressed as a "
    "whole does the config fit.",
    fix="Publish it with --publish, so that the user data only names it, or embed less: the report has the largest entries.",
    wrong=_LARGE,
    right=_SMALL,
    local=True,
    recipient="virtualbox",
)
declare(
    "pack-limit-unsure",
    title="The config may be larger than the platform takes",
    why="The limit of this platform is not confirmed by its documentation, so that the config is written all the same.",
    fix="Try it, or publish the config with --publish.",
    wrong=_LARGE,
    right=_SMALL,
    local=True,
    recipient="brightbox",
    severity=WARNING,
)
declare(
    "delivery-machine-config",
    title="A MachineConfig is no user data",
    why="A MachineConfig is applied to a cluster; a machine that boots takes an Ignition config.",
    fix="Give --raw for the Ignition config, or leave --for out.",
    wrong="storage:\n  files:\n    - path: /etc/motd\n      mode: 0644\n      contents: {inline: hello}\n",
    right="variant: fcos\nversion: 1.6.0\n",
    row=OPENSHIFT,
    recipient="aws",
)


def deliver(wish: Wish, result: HostResult, unpacked: Callable[[], HostResult]) -> tuple[Delivery | None, Report]:
    """The delivery of a host with a config, None where the report has errors. `unpacked` compiles it with contents uncompressed.

    The report shows no secrets.
    """
    delivery, report = _delivered(wish, result, unpacked)
    return delivery, result.hidden(report) if result.hidden is not None else report


def _delivered(wish: Wish, result: HostResult, unpacked: Callable[[], HostResult]) -> tuple[Delivery | None, Report]:
    work = result.compilation
    assert work is not None
    report = Report()
    consumer = wish.recipient.consumer
    if work.wraps and not (consumer is not None and consumer.machine_config):
        message = f"{work.row} makes a MachineConfig, which is no user data"
        report.add(ERROR, "delivery-machine-config", message, _whole(work), "give --raw")
        return None, report
    kept = Kept(wish.secrets, wish.recipient, result, wish.address)
    plain, spec, found = _text(work, kept.config, wish)
    report.merge(Report([*kept.report, *found]))
    if report.fatal:
        return None, report
    if work.wraps:
        return Delivery(PLAIN, plain, spec=spec), report

    def again() -> bytes:
        other = unpacked()
        assert other.compilation is not None  # it has compiled before with other options
        return _text(other.compilation, kept.public(other), wish)[0]

    try:
        delivery, fits = climb(wish, plain, again, private=kept.shown)
    except DeliveryError as error:
        report.entries += kept.unpublished(error)
        return None, report
    if not fits:
        report.entries.append(_too_large(wish, delivery, work))
    return None if report.fatal else delivery.but(spec=spec, parts=(*kept.parts, *delivery.parts)), report


def _text(work: Compilation, output: Config, wish: Wish) -> tuple[bytes, str, Report]:
    """The config in a version that the recipient reads, that version, and what is wrong with that."""
    consumer = wish.recipient.consumer
    if consumer is not None and consumer.outer and wish.form in (WRAPPED, POINTER):
        config, spec, report = output, work.row.spec, Report()  # the consumer does not see it
    else:
        config, spec, report = fitted(output, work.row.spec, wish.recipient)
    data = work.document if config is work.output else to_data(config, spec)
    if not work.wraps:
        return emit_json(data, pretty=False).encode(), NAMES[spec], report
    from butane_py.emit.yaml import emit_yaml
    from butane_py.features.machine_config import wrap

    text = work.text if data is work.document else emit_yaml(without_bad_bytes(wrap(work, data)))
    return f"{text}\n".encode(), NAMES[spec], report


def _too_large(wish: Wish, delivery: Delivery, work: Compilation) -> Entry:
    """The error, or the warning where the limit is not sure."""
    recipient, platform = wish.recipient, wish.recipient.platform
    assert platform is not None  # nobody else has a limit
    form = "" if delivery.form == PLAIN else f" {delivery.form}"
    message = f"the config has{form} {wish.counted(delivery):,} {recipient.unit}; {platform.name} takes {wish.limit:,}"
    hint = "publish it with --publish, or embed less" if wish.address is None else "embed less"
    if not recipient.sure:
        return Entry(WARNING, "pack-limit-unsure", f"{message}, as far as is known", _whole(work), hint)
    related = largest_entries(work.output, work.row.spec)
    return Entry(ERROR, "pack-too-large", message, _whole(work), hint, related=related)


def _whole(work: Compilation) -> Place:
    return Place((), 1, 1, work.name)
