"""Files, directories and links: surveyed, planned and written."""
