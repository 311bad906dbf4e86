"""Hosts and groups with their variables, whatever format they were read from. The layout is Ansible's: groups form a tree below `all`.

Source of the order of groups: Ansible's documentation, "How variables are merged": by depth, `ansible_group_priority`, name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from butane_py.fleet import values
from butane_py.fleet.inventory.document import Document, refused, yaml_entry
from butane_py.fleet.inventory.names import name_problem, same_name
from butane_py.fleet.values import Layer, Value, of_node, of_text
from butane_py.yaml.source import SCALAR, Node, YamlError
from ignition_py.report.diag import ERROR, Entry, Place, Related, Report

ALL, UNGROUPED = "all", "ungrouped"
IGNORED = "ansible_"  # variables of these names are Ansible's own
PRIORITY = "ansible_group_priority"
CONNECTION = ("ansible_host", "ansible_port", "ansible_user")  # how a host is reached, which `ignition-py check` does
MOST_HOSTS = 100_000


class Given:
    """A value of a variable as a file gives it: `value()` reads it, once. `loose`: all in the file is text (CSV)."""

    __slots__ = ("_code", "_value", "document", "layer", "loose", "node", "secret")

    def __init__(
        self,
        node: Node,
        document: Document,
        layer: Layer,
        *,
        secret: bool = False,
        loose: bool = False,
        code: str = "inventory-syntax",
    ) -> None:
        self._code = code
        self.node = node
        self.document = document
        self.layer = layer
        self.secret = secret
        self.loose = loose
        self._value: Value | None = None

    def value(self) -> Value:
        """The value with its place. Raises ConfigError for a mapping with keys that are none or that are repeated."""
        if self._value is None:
            self._value = self._read()
        return self._value

    def _read(self) -> Value:
        if self.loose:
            return of_text(self.node.value, self.document.at(self.node), self.layer, secret=self.secret)
        try:
            return of_node(self.node, self.document, self.layer, secret=self.secret)
        except YamlError as error:
            raise refused(yaml_entry(error, self.document.name, self._code)) from None


class Known:
    """A value that no file gives."""

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value = value

    def value(self) -> Value:
        return self._value


Variables = dict[str, list["Given | Known"]]  # of each name all that was given, the last of which counts


class Group:
    """A group: its variables, the groups and hosts directly in it, and the groups that it is directly in."""

    __slots__ = ("children", "connection", "hosts", "layer", "name", "parents", "priority", "vars")

    def __init__(self, name: str) -> None:
        self.name = name
        self.layer = Layer(values.ALL) if name == ALL else Layer(values.GROUP, name)
        self.vars: Variables = {}
        self.connection: dict[str, str] = {}  # CONNECTION, by name
        self.hosts: dict[str, Host] = {}
        self.children: dict[str, Group] = {}
        self.parents: dict[str, Group] = {}
        self.priority = 1

    def __repr__(self) -> str:
        return f"Group({self.name})"

    def members(self) -> list[Host]:
        """The hosts in it and in the groups below it, its own first."""
        found: dict[str, Host] = {}
        level, seen = [self], {self.name}
        while level:
            below: list[Group] = []
            for group in level:
                found.update((name, host) for name, host in group.hosts.items() if name not in found)
                for child in group.children.values():
                    if child.name not in seen:
                        seen.add(child.name)
                        below.append(child)
            level = below
        return list(found.values())


class Host:
    """A host: its variables, the groups that it is directly in, and where it is first named."""

    __slots__ = ("connection", "groups", "layer", "name", "place", "vars")

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.layer = Layer(values.HOST, name)
        self.place = place
        self.vars: Variables = {}
        self.connection: dict[str, str] = {}  # CONNECTION, by name
        self.groups: dict[str, Group] = {}

    def __repr__(self) -> str:
        return f"Host({self.name})"


class Inventory:
    """All hosts and groups, in the order in which they were first named. `report` holds what is wrong with the files."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.groups: dict[str, Group] = {ALL: Group(ALL), UNGROUPED: Group(UNGROUPED)}
        self.report = Report()
        self.files: list[Document] = []
        self._folded: dict[str, Host] = {}
        self._depths: dict[str, int] | None = None
        self.add_child(self.groups[ALL], self.groups[UNGROUPED])

    def error(
        self, document: Document, code: str, message: str, node: Node | None, hint: str = "", related: Sequence[Related] = ()
    ) -> None:
        """Adds an error at a node of a file."""
        self.report.entries.append(document.error(code, message, node, hint, related))

    def twice(self, document: Document, code: str, key: Node, first: Node) -> None:
        """Adds the error of a name that was there before."""
        related = (Related("first given here", document.at(first)),)
        self.error(document, code, f"{key.value} is given twice", key, "remove one of them", related)

    def host(self, document: Document, name: str, node: Node) -> Host | None:
        """The host of that name, new if need be. None, with an error, where the name cannot be a host's."""
        found = self.hosts.get(name)
        if found is not None:
            return found
        problem = name_problem(name)
        if problem:
            self.error(document, "inventory-name", problem, node, "a host's name is a file's name too")
            return None
        twin = self._folded.setdefault(same_name(name), host := Host(name, document.at(node)))
        if twin is not host:
            message = f"{name} and {twin.name} are one name where upper and lower case are the same"
            related = (Related(f"{twin.name} is given here", twin.place),)
            self.error(document, "inventory-name", message, node, "rename one of them", related)
            return None
        if len(self.hosts) >= MOST_HOSTS:
            if len(self.hosts) == MOST_HOSTS and not self.report.fatal:
                self.error(document, "inventory-syntax", f"there are more than {MOST_HOSTS:,} hosts", node)
            return None
        self.hosts[name] = host
        return host

    def group(self, name: str) -> Group:
        """The group of that name, new if need be."""
        found = self.groups.get(name)
        if found is None:
            found = self.groups[name] = Group(name)
            self._depths = None
        return found

    def add_child(self, parent: Group, child: Group) -> bool:
        """Puts a group into another. False where it is in there the other way round."""
        if child is parent or child in self._above(parent):
            return False
        parent.children[child.name] = child
        child.parents[parent.name] = parent
        self._depths = None
        return True

    def _above(self, group: Group) -> set[Group]:
        seen: set[Group] = set()
        level = [group]
        while level:
            level = [parent for each in level for parent in each.parents.values() if parent not in seen]
            seen.update(level)
        return seen

    def finish(self) -> None:
        """Puts what is in no group into `all` and `ungrouped`; called once, after the last file."""
        for group in list(self.groups.values()):
            if group.name != ALL and not group.parents:
                self.add_child(self.groups[ALL], group)
        ungrouped = self.groups[UNGROUPED]
        for host in self.hosts.values():
            own = host.groups.keys() - {ALL, UNGROUPED}
            if own and UNGROUPED in host.groups:
                del host.groups[UNGROUPED], ungrouped.hosts[host.name]
            elif not own:
                join(host, ungrouped)

    def groups_of(self, host: Host) -> list[Group]:
        """The groups that a host is in, directly or not, without `all`: outer before inner, then by priority, then by name."""
        seen: dict[str, Group] = dict(host.groups)
        for group in host.groups.values():
            seen.update((each.name, each) for each in self._above(group))
        seen.pop(ALL, None)
        depths = self._depth()
        return sorted(seen.values(), key=lambda group: (depths[group.name], group.priority, group.name))

    def _depth(self) -> dict[str, int]:
        """How many groups each group is in at most, one in the other."""
        if self._depths is None:
            depths: dict[str, int] = {}
            waiting = {group.name: len(group.parents) for group in self.groups.values()}
            level = [group for group in self.groups.values() if not group.parents]
            while level:
                below: list[Group] = []
                for group in level:
                    depths[group.name] = max((depths[name] + 1 for name in group.parents), default=0)
                    for child in group.children.values():
                        waiting[child.name] -= 1
                        if not waiting[child.name]:
                            below.append(child)
                level = below
            self._depths = depths
        return self._depths

    def variables(self) -> Iterator[Variables]:
        """The variables of every group and every host."""
        yield from (group.vars for group in self.groups.values())
        yield from (host.vars for host in self.hosts.values())


def join(host: Host, group: Group) -> None:
    """Puts a host directly into a group."""
    group.hosts[host.name] = host
    host.groups[group.name] = group


def give(
    owner: Group | Host, name: str, node: Node, document: Document, *, secret: bool = False, loose: bool = False
) -> None:
    """Gives a variable of a group or a host a value; of Ansible's own only CONNECTION is kept."""
    if name.startswith(IGNORED):
        if name in CONNECTION and node.kind == SCALAR:
            owner.connection[name] = node.value
    else:
        owner.vars.setdefault(name, []).append(Given(node, document, owner.layer, secret=secret or document.secret, loose=loose))


def unknown_host(name: str, known: Sequence[str], place: Place) -> Entry:
    """The error of a name that no host has."""
    from ignition_py.programs.commands import did_you_mean

    hint = did_you_mean(name, list(known)).removeprefix("; ") if len(known) <= 2_000 else ""
    return Entry(ERROR, "host-unknown", f"there is no host {name} in the inventory", place, hint)
