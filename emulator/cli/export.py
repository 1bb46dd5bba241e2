"""``run.py export``: write a whole workspace as one JSON document."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import click
from marshmallow import Schema

from emulator.cli.target import Target, called, read_only, target_options
from emulator.fixtures.schema import (
    DatabaseSchema,
    ProfileEntrySchema,
    ResourceSchema,
    SubscriptionEntrySchema,
)
from emulator.rules.model import Resource
from emulator.rules.providers import accepted
from emulator.schemas.json_members import read_entries, read_members
from emulator.settings import Settings
from emulator.store.files import NotWritten, replace_file, write_arrays
from emulator.store.fixture_set import FixtureSet
from emulator.workspaces.document import END, snapshot_pieces
from emulator.workspaces.workspace import DEFAULT_WORKSPACE, Workspace


@click.command("export")
@target_options
@click.option(
    "--as",
    "form",
    type=click.Choice(["snapshot", "fixtures"]),
    default="snapshot",
    show_default=True,
    help="One document, or a fixture set.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write to this file instead of standard output; with --as fixtures: a new or empty directory.",
)
def command(form: str, out: Path | None, **where: Any) -> int:
    """Write a whole workspace as one JSON document: data, settings, clock, faults, tokens.

    PUT /__admin/snapshot loads it into any workspace. The file appears complete or not at all.
    With --as fixtures: its databases, resources and profiles as a fixture set.
    """
    place = Target(**where)
    if form == "fixtures" and out is None:
        raise click.ClickException("--as fixtures needs --out DIR, a new or empty directory")
    pieces = _from_state(place) if place.state is not None else _from_server(place)
    try:
        if form == "fixtures" and out is not None:
            return _write_fixtures(pieces, out)
        if out is not None:
            replace_file(out, pieces)
        else:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or out or 'standard output'}: {error.strerror}"
        ) from error
    return 0


def _write_fixtures(pieces: Iterator[bytes], out: Path) -> int:
    """Write the document as a fixture set, and say what no set can hold."""
    with TemporaryFile() as document:
        document.writelines(pieces)
        document.seek(0)
        members = dict(read_members(document, "profiles"))
        resources = {one["id"]: Resource(**_members(ResourceSchema(), one)) for one in members["resources"]}
        left_out = 0

        def profiles() -> Iterator[dict[str, Any]]:
            nonlocal left_out
            document.seek(0)
            for one in read_entries(document, "profiles"):
                own = [each for each in one["subscriptions"] if _fits(each, one["db_id"], resources)]
                left_out += len(one["subscriptions"]) - len(own)
                entries = [_members(SubscriptionEntrySchema(), each) for each in own]
                yield _members(ProfileEntrySchema(), {**one, "subscriptions": entries})

        try:
            write_arrays(
                out,
                {
                    "profiles.json": profiles(),
                    "resources.json": [_members(ResourceSchema(), one) for one in members["resources"]],
                    "databases.json": [_members(DatabaseSchema(), one) for one in members["databases"]],
                },
            )
        except NotWritten as error:
            raise click.ClickException(str(error)) from error
    if left_out:
        click.echo(f"left out: {left_out} subscriptions that their resource no longer accepts (S6)", err=True)
    click.echo(f"start from it: push-emulator --fixtures {out} --state {out / '.state'}")
    return 0


def _members(schema: Schema, record: dict[str, Any]) -> dict[str, Any]:
    """What a fixture can say of a record."""
    return {name: value for name, value in record.items() if name in schema.fields and value is not None}


def _fits(subscription: dict[str, Any], db_id: int, resources: dict[int, Resource]) -> bool:
    resource = resources[subscription["resource_id"]]
    return db_id in resource.db_ids and accepted(subscription["provider"], resource)


def _from_state(place: Target) -> Iterator[bytes]:
    with read_only(place) as store:
        workspace = Workspace(place.workspace or DEFAULT_WORKSPACE, Settings(durability="none"), FixtureSet())
        asyncio.run(workspace.restore(store))
        yield from snapshot_pieces(workspace)


def _from_server(place: Target) -> Iterator[bytes]:
    if place.workspace is not None:
        _check_is_there(place, place.workspace)
    tail = b""
    with called(place, "GET", "/snapshot") as answer:
        for piece in answer.iter_bytes():
            tail = (tail + piece)[-len(END) :]
            yield piece
    if tail != END:
        raise click.ClickException("the server stopped before the end of the document")


def _check_is_there(place: Target, workspace: str) -> None:
    """Refuse a workspace that does not exist: the server would answer with a fresh one."""
    with called(replace(place, workspace=None), "GET", "/workspaces") as answer:
        names = [one["name"] for one in json.loads(answer.read())["items"]]
    if workspace not in names:
        there = ", ".join(names)
        raise click.ClickException(f'{place.url}: there is no workspace "{workspace}"; there are: {there}')
