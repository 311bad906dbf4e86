"""Commands for people and for CI (`ignition-py validate`, `render`, `convert`); none of them runs in an initramfs."""
