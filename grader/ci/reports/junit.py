"""JUnit: the report that every CI shows."""

from __future__ import annotations

from grader.ci.told import Told
from grader.report.junit import junit

FILE = "junit.xml"


def write(told: Told) -> bytes:
    """Give the report in the shape of junit-10.xsd."""
    return junit(told.records, told.words).encode()
