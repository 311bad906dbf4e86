"""`ignition-py analyze`: where the time of a first boot went, from its report (boot_report.py).

    blame            everything that took time, longest first
    critical-path    what the end of provisioning waited for, in order, with the gaps between stages
    svg              a time line of all of it, as a picture
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from json import dumps

from ignition_py.boot_report import Report, Span, load
from ignition_py.report.diag import IgnitionError

BLAME, PATH, SVG = VIEWS = ("blame", "critical-path", "svg")
_GAP = 0.01  # seconds between stages that are worth a line
_ROW, _LEFT, _WIDTH = 18, 10, 1000  # pixels of the picture
_COLOURS = {"stage": "#4c78a8", "step": "#9ecae9", "resource": "#f2a65a"}
_FAILED = "#c1272d"


def analyze(view: str = BLAME, *, root: str = "/", report: str = "", as_json: bool = False) -> str:
    """One of VIEWS of the report of the machine at `root`, or of the file `report`. Raises IgnitionError where there is none."""
    found = load(root, report)
    if not found.runs:
        raise IgnitionError("there is no report of provisioning here")
    if view == SVG:
        return picture(found)
    spans = found.blame() if view == BLAME else found.critical_path()
    if as_json:
        return dumps([span.data() for span in spans], indent=2) + "\n"
    lines = [f"{span.took:10.3f}s {_what(span)}" for span in spans] if view == BLAME else path_lines(spans)
    return "".join(f"{line}\n" for line in lines)


def _what(span: Span) -> str:
    more = f" from {span.source}, {span.size} bytes" if span.kind == "resource" else ""
    return f"{span.what}{more}{'' if span.ok else ' (failed)'}"


def path_lines(spans: Sequence[Span]) -> list[str]:
    """`@START +DURATION what`, steps below their stage, and what passed between the stages."""
    lines: list[str] = []
    end: float | None = None
    for span in spans:
        if span.kind == "stage":
            if end is not None and span.start - end >= _GAP:
                lines.append(f"@{end:.3f}s +{span.start - end:.3f}s (between the stages: other units, the network)")
            end = span.end
        indent = "" if span.kind == "stage" else "  "
        lines.append(f"{indent}@{span.start:.3f}s +{span.took:.3f}s {_what(span)}")
    return lines


def picture(report: Report) -> str:
    """An SVG: a bar for each stage, step and resource on one scale of seconds."""
    spans = sorted((*report.stages(), *(s for run in report.runs for s in run.spans)), key=lambda s: (s.start, s.kind != "stage", -s.took))
    begin = min((span.start for span in spans), default=0.0)
    length = max((span.end for span in spans), default=begin) - begin or 1.0
    scale = _WIDTH / length
    height = (len(spans) + 2) * _ROW
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH + 500}" height="{height}" font-family="sans-serif" font-size="11">',
        f'<rect width="100%" height="100%" fill="#ffffff"/><title>Provisioning, {length:.3f} s</title>',
    ]
    for tick in range(11):
        x = _LEFT + tick * _WIDTH / 10
        out.append(f'<line x1="{x:.1f}" y1="{_ROW}" x2="{x:.1f}" y2="{height}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="12" fill="#666666">{begin + tick * length / 10:.2f} s</text>')
    for row, span in enumerate(spans, 1):
        x, width = _LEFT + (span.start - begin) * scale, max(span.took * scale, 1.0)
        colour = _COLOURS.get(span.kind, _COLOURS["step"]) if span.ok else _FAILED
        y = row * _ROW
        out.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_ROW - 4}" fill="{colour}"/>')
        out.append(f'<text x="{x + 4:.1f}" y="{y + 11}">{_escape(_what(span))} ({span.took:.3f} s)</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def _escape(text: str) -> str:
    """For XML, which has no control characters, not even escaped."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:200])
    return escape(shown, quote=False)
