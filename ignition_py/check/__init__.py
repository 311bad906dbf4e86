"""Compares a machine with its config: what a machine is asked, and what its answers come to.

    questions   the config -> one shell script; its output -> answers
    findings    config and answers -> one row for each entry of the config, pure

`ignition-py rehearse` asks a machine that has just come up.
"""
