"""JSON Schemas that several fields share; the class of a field has its own as ``json_schema``."""

from typing import Any

from emulator.rules.model import INT64_MAX, INT64_MIN

JSONSchema = dict[str, Any]

#: NUL is refused in every string (see :mod:`emulator.schemas.strict_json`).
TEXT_PATTERN = "^[^\\u0000]*$"
TEXT: JSONSchema = {"type": "string", "pattern": TEXT_PATTERN}
INT64: JSONSchema = {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX}
#: A custom field's value.
FIELD_VALUE: JSONSchema = {"anyOf": [TEXT, {"type": "boolean"}, INT64, {"type": "number"}]}


def one_value(**properties: JSONSchema) -> JSONSchema:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
