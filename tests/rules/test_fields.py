"""M5 for every field type: what can be read, in which form it compares, what is refused; L7."""

from __future__ import annotations

import pytest

from emulator.rules.fields import FIELD_KINDS, InvalidFieldValue, json_type_differs, read_value
from emulator.rules.model import FieldKind, FieldType, FieldValue

NOON = "2026-01-31T12:00:00Z"
READS: list[tuple[FieldKind, FieldValue, FieldValue]] = [
    ("int", 123, 123),
    ("int", "123", 123),
    ("int", "-5", -5),
    ("int", 123.0, 123),
    ("int", 2**63 - 1, 2**63 - 1),
    ("int", str(-(2**63)), -(2**63)),
    ("float", 4.5, 4.5),
    ("float", "4.5", 4.5),
    ("float", 4, 4.0),
    ("float", "1e3", 1000.0),
    ("float", -0.0, 0.0),
    ("string", "Анна", "Анна"),
    ("string", "", ""),
    ("string", "true", "true"),
    ("string", 123, "123"),
    ("string", 1.5, "1.5"),
    ("bool", True, True),
    ("bool", False, False),
    ("bool", "true", True),
    ("bool", "False", False),
    ("date", "1990-02-28", "1990-02-28"),
    ("datetime", NOON, NOON),
    ("datetime", "2026-01-31T15:00:00+03:00", NOON),
    ("datetime", "2026-01-31 12:00:00", NOON),
    ("datetime", "2026-01-31T12:00:00.000Z", NOON),
    ("ip", "192.0.2.7", "192.0.2.7"),
    ("ip", "2001:DB8:0:0::1", "2001:db8::1"),
    ("enum", "gold", "gold"),
]
REFUSES: list[tuple[FieldKind, FieldValue]] = [
    ("int", True),
    ("int", False),
    ("int", "true"),
    ("int", ""),
    ("int", " 1"),
    ("int", "1.5"),
    ("int", 1.5),
    ("int", "0x10"),
    ("int", "１２"),
    ("int", 2**63),
    ("int", str(2**63)),
    ("int", 1e300),
    ("float", True),
    ("float", "four"),
    ("float", ""),
    ("float", "nan"),
    ("float", "inf"),
    ("float", "1e999"),
    ("float", "1_000"),
    ("string", True),
    ("bool", 1),
    ("bool", 0),
    ("bool", 1.0),
    ("bool", "yes"),
    ("bool", ""),
    ("date", "28.02.1990"),
    ("date", "1990-02-30"),
    ("date", "1990-2-28"),
    ("date", NOON),
    ("date", 19900228),
    ("date", True),
    ("datetime", "2026-01-31"),
    ("datetime", "2026-01-31T25:00:00Z"),
    ("datetime", "0001-01-01T00:00:00+14:00"),
    ("datetime", "yesterday"),
    ("datetime", 1769860800),
    ("ip", "300.0.0.1"),
    ("ip", "192.0.2.0/24"),
    ("ip", "localhost"),
    ("ip", 3221225985),
    ("ip", True),
    ("enum", "Gold"),
    ("enum", "red"),
    ("enum", ""),
    ("enum", 1),
    ("enum", True),
]


def a_type(kind: FieldKind) -> FieldType:
    return FieldType(kind, ("gold", "blue") if kind == "enum" else ())


@pytest.mark.parametrize(("kind", "sent", "held"), READS)
def test_M5_value_is_read_as_the_fields_type(kind: FieldKind, sent: FieldValue, held: FieldValue) -> None:
    read = read_value(a_type(kind), sent)
    assert (read, type(read)) == (held, type(held))


@pytest.mark.parametrize(("kind", "sent"), REFUSES)
def test_M5_value_that_cannot_be_read_is_refused(kind: FieldKind, sent: FieldValue) -> None:
    with pytest.raises(InvalidFieldValue):
        read_value(a_type(kind), sent)


@pytest.mark.parametrize("kind", FIELD_KINDS)
def test_M5_every_type_is_tried_with_good_and_bad_values(kind: FieldKind) -> None:
    assert any(one[0] == kind for one in READS)
    assert any(one[0] == kind for one in REFUSES)


@pytest.mark.parametrize(("kind", "sent", "held"), READS)
def test_M5_the_form_that_is_held_reads_as_itself(
    kind: FieldKind, sent: FieldValue, held: FieldValue
) -> None:
    assert read_value(a_type(kind), held) == held


@pytest.mark.parametrize(
    ("kind", "sent", "differs"),
    [
        ("int", 1, False),
        ("int", "1", True),
        ("int", 1.0, True),
        ("int", True, True),
        ("float", 1.5, False),
        ("float", 1, False),
        ("float", "1.5", True),
        ("float", True, True),
        ("string", "x", False),
        ("string", 5, True),
        ("bool", True, False),
        ("bool", "true", True),
        ("bool", 1, True),
        ("date", "1990-02-28", False),
        ("date", 19900228, True),
        ("datetime", NOON, False),
        ("ip", "192.0.2.7", False),
        ("enum", "gold", False),
        ("enum", 1, True),
    ],
)
def test_L7_json_type_of_the_value_and_of_the_field(kind: FieldKind, sent: FieldValue, differs: bool) -> None:
    assert json_type_differs(a_type(kind), sent) is differs
