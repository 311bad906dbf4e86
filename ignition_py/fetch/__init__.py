"""The only door to the network and to every other source of contents; start at `fetcher.py`."""
