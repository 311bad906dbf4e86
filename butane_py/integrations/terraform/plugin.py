"""The provider: its data sources. It has no settings."""

from __future__ import annotations

from tf.iface import Config, DataSource, Provider, Resource
from tf.schema import Schema
from tf.utils import Diagnostics

from butane_py.integrations.terraform.data_source import ButaneConfig, CtConfig, SensitiveConfig

NAME = "registry.terraform.io/butane/butane"  # the default; users may install it under any other


class ButaneProvider(Provider):
    """The provider, as the library `tf` serves it."""

    def get_model_prefix(self) -> str:
        """What names of data sources begin with: they have their whole names, since `ct_config` is one of them."""
        return ""

    def get_provider_schema(self, diags: Diagnostics) -> Schema:
        """The settings of the provider: none."""
        return Schema(attributes=[])

    def full_name(self) -> str:
        """The address of the provider."""
        return NAME

    def validate_config(self, diags: Diagnostics, config: Config) -> None:
        """Checks the settings: there are none."""

    def configure_provider(self, diags: Diagnostics, config: Config) -> None:
        """Takes the settings: there are none."""

    def get_data_sources(self) -> list[type[DataSource]]:
        """The data sources."""
        return [ButaneConfig, SensitiveConfig, CtConfig]

    def get_resources(self) -> list[type[Resource]]:
        """The resources: none."""
        return []
