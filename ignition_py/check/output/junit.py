"""JUnit's XML, which CI systems show: a test suite for each machine, a test case for each row.

A difference is a failure; what was not looked at, is ignored or set by others is skipped; a machine that could not be asked is an error.
Source of the form: the schema of Jenkins' xUnit plugin (junit-10.xsd).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from ignition_py.check.findings.row import DIFFERENT, IGNORED, OTHERS, STATE_NAMES, UNSEEN, Row
from ignition_py.check.result import Checked
from ignition_py.check.table import place_text

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, Char


def text(results: Sequence[Checked]) -> str:
    """The document."""
    root = ElementTree.Element("testsuites", name="ignition-py check")
    for result in results:
        root.append(_suite(result))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(result: Checked) -> ElementTree.Element:
    skipped = result.counted(UNSEEN, OTHERS, IGNORED)
    suite = ElementTree.Element(
        "testsuite", name=_clean(result.target.name), tests=str(len(result.rows) or 1), failures=str(result.counted(DIFFERENT)),
        errors="1" if result.why else "0", skipped=str(skipped),
    )  # fmt: skip
    if result.why:
        case = ElementTree.SubElement(suite, "testcase", classname="machine", name="could be asked")
        ElementTree.SubElement(case, "error", message=_clean(result.why), type="not asked")
    for row in result.rows:
        suite.append(_case(row))
    if not (result.why or result.rows):
        ElementTree.SubElement(suite, "testcase", classname="machine", name="could be asked")
    return suite


def _case(row: Row) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=_clean(row.kind), name=_clean(row.name))
    if row.state == DIFFERENT:
        failure = ElementTree.SubElement(case, "failure", message=_clean(f"{row.wanted} wanted, {row.found} found"), type="difference")
        failure.text = _clean(place_text(row.place))
    elif row.state in (UNSEEN, OTHERS, IGNORED):
        ElementTree.SubElement(case, "skipped", message=_clean(row.note or STATE_NAMES[row.state]))
    return case


def _clean(text: str) -> str:
    """The text with characters that XML cannot hold as escapes of Python's."""
    return _NOT_XML.sub(lambda found: ascii(found[0])[1:-1], text)
