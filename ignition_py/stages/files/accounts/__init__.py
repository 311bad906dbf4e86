"""Users and groups of the new root."""
