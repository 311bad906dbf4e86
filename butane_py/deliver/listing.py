"""The tables of platforms and consumers as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from butane_py.deliver.consumers import CONSUMERS, Consumer
from butane_py.deliver.forms import FORMS
from butane_py.deliver.platforms import CONFIDENCE, COUNTED, PLATFORMS, UNKNOWN, Platform
from ignition_py.spec.tables import VERSIONS

VERSION = 1  # of the JSON
_NAMES = {minor: name for name, minor in VERSIONS.items()}
_NEWEST = max(VERSIONS.values())
_HEAD = ("platform", "limit", "counted in", "confidence")
_CONSUMER_HEAD = ("consumer", "release", "reads up to", "confidence")


def as_text() -> str:
    """A line a platform, and a line a release of a consumer."""
    platforms = [(each.name, _limit(each), each.counted if each.limit else "", each.confidence) for each in PLATFORMS]
    consumers = [
        (each.name, release.version or "any", _spec(release.spec), release.confidence) for each in CONSUMERS for release in each.releases
    ]
    return f"{_columns([_HEAD, *platforms])}\n{_columns([_CONSUMER_HEAD, *consumers])}"


def as_json() -> str:
    """Everything that the tables say. docs/delivery.md describes the keys."""
    data = {
        "version": VERSION,
        "platforms": [_platform_data(each) for each in PLATFORMS],
        "consumers": [_consumer_data(each) for each in CONSUMERS],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def platforms_markdown() -> str:
    """The platforms as a table of Markdown."""
    lines = ["| platform | limit | counted in | how it travels | who can read it | source |", "| --- | ---: | --- | --- | --- | --- |"]
    for each in PLATFORMS:
        source = f"[{each.source}]({each.url})" if each.url else each.source
        unpacks = "; Ignition unpacks gzip" if each.unpacks else ""
        sure = "" if each.sure else f" ({each.confidence})"
        note = f"; {each.note}" if each.note else ""
        counted = each.counted if each.limit else ""
        readers = each.readable or "root on the machine"
        cells = (each.name, _limit(each), counted, f"{each.travels}{unpacks}{note}", readers, f"{source}{sure}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def consumers_markdown() -> str:
    """The releases of consumers as a table of Markdown."""
    lines = ["| consumer | release | reads up to | a newer config | source |", "| --- | --- | --- | --- | --- |"]
    for each in CONSUMERS:
        for release in each.releases:
            sure = "" if release.confidence == "sure" else f" ({release.confidence})"
            cells = (each.name, release.version or "any", _spec(release.spec), each.refusal, f"{release.source}{sure}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def forms_markdown() -> str:
    """The forms of --emit as a table of Markdown."""
    lines = ["| `--emit` | what is written | file | stands for |", "| --- | --- | --- | --- |"]
    for each in FORMS:
        platform = f"`--for {each.platform}`" if each.platform else ""
        lines.append(f"| `{each.name}` | {each.title} | `{each.fleet or f'HOST{each.suffix}'}` | {platform} |")
    return "\n".join(lines) + "\n"


def _limit(platform: Platform) -> str:
    if platform.limit is not None:
        return f"{platform.limit:,}"
    return "not known" if platform.confidence == UNKNOWN else "none"


def _spec(minor: int) -> str:
    return "any version" if minor == _NEWEST else _NAMES[minor]


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows)


def _platform_data(platform: Platform) -> dict[str, Any]:
    return {
        "name": platform.name,
        "title": platform.title,
        "limit": platform.limit,
        "counted": platform.counted,
        "counted_in": COUNTED[platform.counted],
        "most_bytes": platform.most,
        "limits_of_forms": platform.forms,
        "travels": platform.travels,
        "unpacks_gzip": platform.unpacks,
        "readable_by": platform.readable,
        "source": platform.source,
        "url": platform.url,
        "confidence": platform.confidence,
        "confidence_means": CONFIDENCE[platform.confidence],
        "note": platform.note,
    }


def _consumer_data(consumer: Consumer) -> dict[str, Any]:
    releases = [
        {"version": each.version, "spec": _NAMES[each.spec], "source": each.source, "confidence": each.confidence}
        for each in consumer.releases
    ]
    return {
        "name": consumer.name,
        "title": consumer.title,
        "newer": consumer.refusal,
        "outer_config_only": consumer.outer,
        "machine_configs": consumer.machine_config,
        "releases": releases,
    }
