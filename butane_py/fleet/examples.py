"""What the examples of codes of a build are put together from."""

from __future__ import annotations

import json


def contents(declaration: str, text: str) -> str:
    """A config with one variable and a file whose contents are `text`."""
    path, mode = ("/usr/local/bin/hello", "0755") if text.startswith("#!") else ("/etc/motd", "0644")
    inline = json.dumps(text)
    return f"vars:\n  {declaration}\nstorage:\n  files:\n    - path: {path}\n      mode: {mode}\n      contents: {{inline: {inline}}}\n"
