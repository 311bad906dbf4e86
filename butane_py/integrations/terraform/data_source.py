"""The data sources: what they take and give, and what they say where a config is wrong.

`butane_config` has what `ct_config` of the provider `poseidon/ct` has (its documentation, version 0.14), and more; `ct_config` is the same
under that name. `butane_sensitive_config` marks the config and what comes of it as sensitive, as `local_sensitive_file` does of a file.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from textwrap import indent
from typing import Any

from tf.iface import Config, DataSource, Provider, ReadDataContext, State
from tf.schema import Attribute, Schema
from tf.types import Bool, List, String
from tf.utils import Diagnostics

from butane_py.compilation import Options
from butane_py.deliver.model import DeliveryError
from butane_py.fleet.texts import Text
from butane_py.integrations.handover import Handover, hand_over, line
from butane_py.integrations.terraform.dynamic import Dynamic, is_known
from ignition_py.report.diag import ERROR, WARNING, Entry

CONTENT = "content"
INLINE = "inline"  # as of --secrets
_ATTRIBUTES: tuple[tuple[str, Any, str, dict[str, bool]], ...] = (
    ("id", String(), "CRC-32 of `rendered`, in decimal.", {"computed": True}),
    (CONTENT, String(), "The Butane config.", {"required": True}),
    ("snippets", List(String()), "Butane configs that are merged over `content`, from left to right.", {"optional": True}),
    ("files_dir", String(), "Directory that local files and includes come from; none are read without it.", {"optional": True}),
    ("vars", Dynamic(), "Values of the variables that the config declares: an object, or JSON text of one.", {"optional": True}),
    ("secret_vars", Dynamic(), "The same for secrets.", {"optional": True, "sensitive": True}),
    ("strict", Bool(), "True: warnings are errors.", {"optional": True}),
    ("pretty_print", Bool(), "True: indent the JSON.", {"optional": True}),
    ("for", String(), "The platform or consumer that gets the config, as of `butane-py build --for`.", {"optional": True}),
    ("secrets", String(), "With `for`: `inline` leaves secrets in user data that others can read.", {"optional": True}),
    ("rendered", String(), "The Ignition config.", {"computed": True}),
    ("user_data", String(), "With `for`: the config in the first form that the platform takes. Otherwise `rendered`.", {"computed": True}),
    ("warnings", List(String()), "The warnings, a line each.", {"computed": True}),
)  # fmt: skip
_SENSITIVE = (CONTENT, "snippets", "vars", "rendered", "user_data", "id")


def schema(*, sensitive: bool) -> Schema:
    """The schema of a data source."""
    attributes = []
    for name, type_, description, flags in _ATTRIBUTES:
        hidden = flags.get("sensitive", False) or (sensitive and name in _SENSITIVE)
        attributes.append(Attribute(name, type_, description, **{**flags, "sensitive": hidden}))
    return Schema(attributes=attributes)


class ButaneConfig(DataSource):
    """`butane_config`."""

    name = "butane_config"
    sensitive = False

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    @classmethod
    def get_name(cls) -> str:
        """The type of the data source."""
        return cls.name

    @classmethod
    def get_schema(cls) -> Schema:
        """Its attributes."""
        return schema(sensitive=cls.sensitive)

    def validate(self, diags: Diagnostics, type_name: str, config: Config) -> None:
        """Adds the errors of a config that is known already, so that `terraform validate` has them; warnings are told when it is read."""
        super().validate(diags, type_name, config)
        if is_known(config):
            self._made(diags, config, severities=(ERROR,))

    def read(self, ctx: ReadDataContext, config: Config) -> State | None:
        """The state: what the config says, and what came of it; None with errors in the diagnostics. Raises nothing for a bad config."""
        made = self._made(ctx.diagnostics, config, severities=(ERROR, WARNING))
        if made is None or made.output is None:
            return None
        number = str(zlib.crc32(made.output.encode()))
        return {**config, "id": number, "rendered": made.output, "user_data": made.user_data, "warnings": made.warnings}

    def _made(self, diagnostics: Diagnostics, config: Config, *, severities: Sequence[str]) -> Handover | None:
        """What came of the config, with its report in the diagnostics; None for arguments that are wrong."""
        wanted = _text(diagnostics, config)
        if wanted is None:
            return None
        strict, recipient, secrets = bool(config["strict"]), config["for"] or "", config["secrets"] or ""
        try:
            made = hand_over(wanted, strict=strict, marked=self.sensitive, recipient=recipient, secrets=secrets)
        except DeliveryError as error:
            diagnostics.add_error(str(error), path=["for"])
            return None
        for entry in made.report:
            if entry.severity in severities:
                self._tell(diagnostics, entry, made)
        return made

    def _tell(self, diagnostics: Diagnostics, entry: Entry, made: Handover) -> None:
        """Adds an entry to the diagnostics, at the attribute that it is about. Of a sensitive config no line is shown."""
        add = diagnostics.add_error if entry.severity == ERROR else diagnostics.add_warning
        more = entry.hint if self.sensitive else indent(made.excerpt(entry), "  ")  # indented lines are not wrapped
        add(line(entry), more, path=_attribute(entry))


class CtConfig(ButaneConfig):
    """`ct_config`, for modules that were written for `poseidon/ct`."""

    name = "ct_config"


class SensitiveConfig(ButaneConfig):
    """`butane_sensitive_config`."""

    name = "butane_sensitive_config"
    sensitive = True


def _text(diagnostics: Diagnostics, config: Config) -> Text | None:
    """What is to be compiled; None with errors in the diagnostics."""
    given = {}
    if config["secrets"] not in (None, "", INLINE):
        diagnostics.add_error(f"secrets: write {INLINE}, or leave it out", path=["secrets"])
        return None
    for name in ("vars", "secret_vars"):
        try:
            given[name] = _variables(config[name])
        except ValueError as error:
            diagnostics.add_error(f"{name}: {error}", "Write an object: { hostname = \"n1\" }, or JSON text of one.", path=[name])
    if len(given) < 2:
        return None
    options = Options(config["files_dir"] or None, pretty=bool(config["pretty_print"]))
    snippets = tuple(each or "" for each in config["snippets"] or ())
    return Text(config[CONTENT], CONTENT, snippets=snippets, vars=given["vars"], secret_vars=given["secret_vars"], options=options)


def _variables(value: Any) -> dict[str, Any]:
    """The values of variables, by name. Raises ValueError, without the value in its text."""
    data = Dynamic().decode(value)
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except ValueError:
            raise ValueError("the text is not JSON") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError("this is not an object")  # noqa: TRY004  # the caller's data, not a type of Python
    return data


def _attribute(entry: Entry) -> list[Any]:
    """The path of the attribute that a place is in."""
    source = entry.place.source
    name, _, rest = source.partition("[")
    if name == "snippets" and rest:
        return [name, (int(rest.rstrip("]")),)]
    return [name if name in ("vars", "secret_vars") else CONTENT]
