"""Conflicts of all steps of the disks stage, found before the first write."""
