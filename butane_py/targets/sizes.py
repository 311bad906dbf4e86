"""Outputs that are larger than the user data of platforms that hand them over. The limits are those of deliver/platforms.py."""

from __future__ import annotations

from butane_py.deliver.platforms import over_limit
from butane_py.resources import gzip_stream
from butane_py.targets.model import Target
from butane_py.targets.report import Findings
from ignition_py.report.diag import Place

_ELSEWHERE = "store it elsewhere, or embed less"


def check_size(target: Target, outputs: dict[str, bytes], place: Place, findings: Findings) -> None:
    """Tells which of the target's platforms take the main output only compressed, or not at all."""
    part, contents = next(iter(outputs.items()))
    over = over_limit(target.platforms, len(contents))
    if not over:
        return
    limits = ", ".join(f"{name} ({most:,})" for name, most in over.items())
    packed = len(gzip_stream(contents)) if target.gzips else 0
    fitting = [name for name, most in over.items() if target.gzips and packed <= most]
    hint = f"give --gzip: {packed:,} bytes, which {', '.join(fitting)} take" if fitting else _ELSEWHERE
    findings.info(
        "target-size", f"{part} has {len(contents):,} bytes, more than the user data of {limits}", place, hint=hint
    )
