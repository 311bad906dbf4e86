"""Importing this declares every code of a build (ignition_py/report/catalog.py)."""

from __future__ import annotations

from butane_py.fleet import compile, evaluation, filters, hosts, include, interpolation, payloads, scope, variables  # noqa: A004

__all__ = ["compile", "evaluation", "filters", "hosts", "include", "interpolation", "payloads", "scope", "variables"]
