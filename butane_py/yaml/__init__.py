"""YAML text as typed configs whose nodes know their lines."""
