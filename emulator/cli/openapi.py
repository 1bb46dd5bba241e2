"""``run.py openapi``: write the API contract."""

from pathlib import Path

import click

from emulator.web.openapi.document import as_text, openapi_document, schema_documents


@click.command("openapi")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the document to this file instead of standard output.",
)
@click.option(
    "--schemas",
    type=click.Path(path_type=Path),
    help="Write the JSON Schemas of request and answer to this directory.",
)
def command(out: Path | None, schemas: Path | None) -> int:
    """Write the API contract: OpenAPI 3.1, and stand-alone JSON Schemas of request and answer."""
    try:
        if schemas is not None:
            schemas.mkdir(parents=True, exist_ok=True)
            for name, document in schema_documents().items():
                (schemas / name).write_text(as_text(document), encoding="utf-8")
        if out is not None:
            out.write_text(as_text(openapi_document()), encoding="utf-8")
        elif schemas is None:
            click.echo(as_text(openapi_document()), nl=False)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    return 0
