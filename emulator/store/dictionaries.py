"""Tables as dictionaries of documents, for TinyDB's own methods."""

import json
from collections.abc import Mapping
from typing import Any

from emulator.store.state import Op, TableState


def decoded(table: TableState) -> dict[int, dict[str, Any]]:
    """A table's documents by id."""
    return {doc_id: json.loads(document) for doc_id, document in table.documents.items()}


def changes(name: str, table: TableState | None, after: Mapping[Any, Mapping[str, Any]]) -> list[Op]:
    """The steps after which a table (``None``: a missing one) holds exactly these documents.

    Raises :class:`ValueError` or :class:`TypeError` for values that JSON cannot express.
    """
    wanted = {int(doc_id): _encode_document(document) for doc_id, document in after.items()}
    before: Mapping[int, bytes] = {} if table is None else table.documents
    steps = [Op(name, None, b"{}")] if table is None else []
    steps += [Op(name, doc_id, None) for doc_id in before if doc_id not in wanted]
    return steps + [Op(name, i, document) for i, document in wanted.items() if document != before.get(i)]


def _encode_document(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
