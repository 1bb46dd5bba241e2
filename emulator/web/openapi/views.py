"""``/__admin/openapi.json`` and ``/__admin/docs``: the contract, and a page to read it with no internet."""

import asyncio
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from flask import Response, redirect, request, send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from emulator.web.admin.operation import blueprint
from emulator.web.later import repeat_after

#: The page may load its own files only. Swagger UI sets styles on elements.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HERE = Path(__file__).resolve().parent
_FILES = ("start.js", "index.css", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document; its server is where it was asked for: below a proxy's path, in a workspace."""
    if not contract.cache_info().currsize:
        return repeat_after(partial(asyncio.to_thread, contract))
    document = {**contract(), "servers": [{"url": request.script_root or "/"}]}
    return Response(orjson.dumps(document), mimetype="application/json")


@blueprint.get("/docs")
def docs() -> AnyResponse:
    """The page to read it."""
    if not request.path.endswith("/"):  # its files have relative names
        return redirect(f"{request.script_root}{request.path}/")
    return _of_the_page(send_from_directory(_HERE, "docs.html"))


@blueprint.get("/docs/<name>")
def docs_file(name: str) -> Response:
    """A file of the page."""
    folder = _HERE if name == "start.js" else _folder()
    return _of_the_page(send_from_directory(folder, name if name in _FILES else "/"))


def _of_the_page(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@cache
def contract() -> dict[str, Any]:
    """The OpenAPI document."""
    # Loaded when somebody asks: the server starts without apispec, and the document needs the views.
    from emulator.web.openapi.document import openapi_document  # noqa: PLC0415

    return openapi_document()


@cache
def _folder() -> Path:
    """The folder of Swagger UI."""
    return Path(str(files("flask_swagger_ui") / "dist"))
