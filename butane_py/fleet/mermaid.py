"""The picture of a build as a Mermaid flowchart, which GitHub, GitLab and many editors draw inside of Markdown.

Source: Mermaid's documentation, "Flowcharts - Basic Syntax".
"""

from __future__ import annotations

from collections.abc import Sequence

from butane_py.fleet.graph import Kind, tree

_HOSTS = 4  # names of hosts at an arrow


def flowchart(found: Sequence[Kind]) -> str:
    """The flowchart: hosts, files, and arrows; an arrow that not all hosts of a main file take says which do."""
    numbers = {file: f"f{number}" for number, file in enumerate(dict.fromkeys(row.file for row in tree(found)))}
    out = ["flowchart LR"]
    for number, source in enumerate(dict.fromkeys(kind.source for kind in found)):
        hosts = [name for kind in found if kind.source == source for name in kind.hosts if name]
        if hosts:
            out.append(f'  h{number}(["{_quoted(_names(hosts))}"]) --> {numbers[source]}')
    out += [f'  {number}["{_quoted(file)}"]' for file, number in numbers.items()]
    edges: dict[tuple[str, str], list[Kind]] = {}
    for kind in found:
        for edge in kind.counts:
            edges.setdefault(edge, []).append(kind)
    for (file, included), takers in edges.items():
        every = [kind for kind in found if kind.source in {taker.source for taker in takers}]
        hosts = [name for kind in takers for name in kind.hosts]
        label = "" if len(takers) == len(every) else f'|"{_quoted(_names(hosts))}"|'
        out.append(f"  {numbers[file]} -->{label} {numbers[included]}")
    return "\n".join(out) + "\n"


def _names(hosts: Sequence[str]) -> str:
    if len(hosts) <= _HOSTS:
        return ", ".join(hosts)
    return f"{len(hosts):,} hosts: {', '.join(hosts[: _HOSTS - 1])}, …"


def _quoted(text: str) -> str:
    """The text with what has a meaning inside of Mermaid's quotes as entities."""
    return "".join(char if char.isalnum() or char in " ./-_,:…()" else f"#{ord(char)};" for char in text)
