"""The parts of a multipart body, read by werkzeug's parser within bounds (E2, R6)."""

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from emulator.rules.errors import Invalid
from emulator.rules.model import shortened

#: The most parts of a body, and the most characters of its boundary (RFC 2046: 70).
MOST_PARTS, LONGEST_BOUNDARY = 100, 200


def read_parts(content_type: str, body: bytes) -> dict[str, str]:
    """The parts by name as text, the last of a repeated one.

    Raises :class:`Invalid` (R6).
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind.lower() != "multipart/form-data" or not 0 < len(boundary) <= LONGEST_BOUNDARY:
        raise Invalid('Content-Type: must be "multipart/form-data; boundary=…"', "R6")
    try:
        return {name: _text(name, value) for name, value in _split(boundary.encode(), body).items()}
    except RequestEntityTooLarge as error:
        raise Invalid(f"body: must have at most {MOST_PARTS} parts", "R6") from error
    except ValueError as error:
        text = "body: is not multipart/form-data, with this boundary before each part and after the last"
        raise Invalid(text, "R6") from error


def _split(boundary: bytes, body: bytes) -> dict[str, bytes]:
    decoder = MultipartDecoder(boundary, max_parts=MOST_PARTS)
    decoder.receive_data(body)
    decoder.receive_data(None)
    parts: dict[str, bytes] = {}
    name, pieces = "", list[bytes]()
    while True:
        event = decoder.next_event()
        if isinstance(event, (Field, File)):
            name, pieces = event.name, []
            if name is None:  # werkzeug's type says that it cannot be
                raise Invalid("body: each part must have a name", "R6")
        elif isinstance(event, Data):
            pieces.append(event.data)
            if not event.more_data:
                parts[name] = b"".join(pieces)
        elif isinstance(event, (Epilogue, NeedData)):
            return parts


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{shortened(name)}: must be UTF-8", "R6") from error
