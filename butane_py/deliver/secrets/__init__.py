"""Secrets in configs: which entries hold them, and ways to keep them out of user data. docs/secrets.md is for operators."""
