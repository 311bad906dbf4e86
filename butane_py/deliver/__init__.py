"""Delivery: a config that fits where it goes, arrives there, and stays private."""
