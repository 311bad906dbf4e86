"""Outputs that are larger than the user data of platforms that hand them over. The limits are those of the linter (linter/size.py)."""

from __future__ import annotations

from butane_py.linter.size import BY_NAME
from butane_py.resources import gzip_stream
from butane_py.targets.model import Target
from butane_py.targets.report import Findings
from ignition_py.report.diag import Place

_ELSEWHERE = "store it elsewhere, or embed less"


def check_size(target: Target, outputs: dict[str, bytes], place: Place, findings: Findings) -> None:
    """Tells which of the target's platforms take the main output only compressed, or not at all."""
    part, contents = next(iter(outputs.items()))
    over = [BY_NAME[name] for name in target.platforms if len(contents) > BY_NAME[name].most]
    if not over:
        return
    limits = ", ".join(f"{limit.platform} ({limit.most:,})" for limit in over)
    packed = len(gzip_stream(contents)) if target.gzips else 0
    fitting = [limit.platform for limit in over if target.gzips and packed <= limit.most]
    hint = f"give --gzip: {packed:,} bytes, which {', '.join(fitting)} take" if fitting else _ELSEWHERE
    findings.info(
        "target-size", f"{part} has {len(contents):,} bytes, more than the user data of {limits}", place, hint=hint
    )
