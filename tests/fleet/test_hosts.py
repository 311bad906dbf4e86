"""Reports of many hosts: what they have in common is said once; what has to differ is compared."""

from __future__ import annotations

from butane_py.fleet.hosts import combined, named
from ignition_py.report.diag import Report
from tests.helpers.fleet import HEAD, hosts, spots, write

CONFIG = HEAD + """vars:
  address: {type: cidr, unique: true, default: null}
  macs: {type: [mac], unique: true, default: []}
  mode: {type: int, default: 0644}
  need: string
storage: {files: [{path: /a, mode: "${{ mode }}"}]}
"""


def report(inventory: str) -> Report:
    write({"node.bu": CONFIG, "hosts.yaml": inventory})
    return combined(hosts("node.bu", "hosts.yaml"))


def fleet(count: int, text: str) -> str:
    return "all:\n  hosts:\n" + "".join(f"    n{i:04}: {text.replace('#', str(i))}\n" for i in range(1, count + 1))


def test_the_same_report_of_many_hosts_is_one_entry() -> None:
    inventory = fleet(200, "{need: x, address: 10.0.0.#/8}").replace("need: x,", "need: x, mode: 0644,", 3)
    (entry,) = report(inventory.replace("  hosts", "  vars: {mode: 644}\n  hosts"))
    assert entry.message == "mode 644 is decimal and means 01204 (in 197 of 200 hosts, first n0004)"
    assert entry.related[0].message == "`mode` is 644, from hosts.yaml:2:16"


def test_what_all_hosts_have_and_what_one_has() -> None:
    entries = list(report("all:\n  vars: {mode: 644, need: x}\n  hosts:\n    n1: {address: 1.2.3.4/8}\n    n2: {address: x}\n    n3: {}\n"))
    assert sorted(entry.message.rpartition(" (")[2] for entry in entries) == ["for n2)", "in all 3 hosts)"]
    (entry,) = report("all:\n  vars: {mode: 644, need: x}\n  hosts: {n1: {}, n2: {}}\n")
    assert entry.message.endswith("(in all 2 hosts)")


def test_missing_values_name_the_hosts() -> None:
    (entry,) = report(fleet(43, "{}"))
    assert (entry.code, entry.message) == ("var-missing", "`need` has no value for n0001, n0002 and 41 more")
    (entry,) = report("all:\n  hosts: {n1: {}}\n")
    assert entry.message == "`need` has no value"


def test_values_that_have_to_be_unique() -> None:
    inventory = "all:\n  vars: {need: x}\n  hosts:\n    dns1: {address: 10.0.0.53/24}\n    dns2: {address: 10.0.0.53/16}\n    dns3: {address: 10.0.0.54/24}\n"
    found = report(inventory)
    assert spots(found) == [("var-not-unique", "hosts.yaml:5:21", "hosts.yaml:4:21")]
    assert next(iter(found)).message == '`address` of dns2 is "10.0.0.53/16", which is that of dns1 too'


def test_unique_values_are_compared_by_what_they_mean() -> None:
    inventory = 'all:\n  vars: {need: x}\n  hosts:\n    n1: {macs: ["52:54:00:aa:bb:cc"]}\n    n2: {macs: [52-54-00-00-00-01, 52-54-00-AA-BB-CC]}\n'
    assert spots(report(inventory)) == [("var-not-unique", "hosts.yaml:5:36", "hosts.yaml:4:17")]


def test_one_value_of_a_group_for_several_hosts() -> None:
    (entry,) = report("all:\n  vars: {need: x, address: 10.0.0.1/8}\n  hosts: {n1: {}, n2: {}, n3: {}}\n")
    assert entry.message == '`address` is "10.0.0.1/8" for n1, n2 and 1 more, and has to be unique'


def test_secrets_that_are_not_unique_are_not_shown() -> None:
    write({"node.bu": HEAD + "vars: {t: {type: string, unique: true, secret: true}}\n", "hosts.yaml": "all:\n  hosts: {n1: {t: hunter2}, n2: {t: hunter2}}\n"})
    (entry,) = combined(hosts("node.bu", "hosts.yaml"))
    assert entry.message == "`t` of n2 is (secret), which is that of n1 too"


def test_names_in_a_sentence() -> None:
    assert [named(["a"]), named(["a", "b"]), named(["a", "b", "c"])] == ["a", "a and b", "a, b and 1 more"]
