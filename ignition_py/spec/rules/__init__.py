"""The rules of the Ignition language: registry.py has the decorator and the walk, all.py names every module of rules."""
