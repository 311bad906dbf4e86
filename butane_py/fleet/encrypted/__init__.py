"""Encrypted files of variables: age and sops, told by their content and decrypted in memory. Nothing decrypted is written to a file."""
