"""Partition tables: inspected, planned, written and read back."""
