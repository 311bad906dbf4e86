"""Butane's sugar: whole entries made of shorter ones."""
