"""Ignition JSON, MachineConfig YAML and source maps."""
