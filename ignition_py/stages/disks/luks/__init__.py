"""LUKS volumes: found, planned, formatted and bound."""
