"""Compares a machine with its config: what a machine is asked, and what its answers come to.

    contents    the digests of what the config writes
    questions   the config -> what to ask, as data
    script      questions -> one script for sh; its output -> answers
    folder      questions -> answers, of a root that is mounted
    findings/   config and answers -> one row for each entry of the config, pure
    table       rows as text

for `ignition-py rehearse`, which asks a machine that has just come up, and for `ignition-py check`:

    subject     the config of a machine, with places
    asking      ssh, commands, mounted roots, recorded answers
    hosts       the machines of an inventory
    ignores     differences that are accepted
    result      checks of many machines at once
    output/     text, JSON, JUnit, Prometheus
"""
