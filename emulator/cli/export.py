"""``run.py export``: write a whole workspace as one JSON document."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
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
from emulator.rules.fields import subscription_fields
from emulator.rules.model import PushKey, Resource
from emulator.rules.providers import accepted
from emulator.schemas.json_members import read_entries, read_members
from emulator.settings import Settings
from emulator.store.files import NotWritten, replace_file, write_arrays
from emulator.store.fixture_set import FixtureSet
from emulator.workspaces.document_pieces import END, snapshot_pieces
from emulator.workspaces.names import DEFAULT_WORKSPACE
from emulator.workspaces.workspace import Workspace


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
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.buffer.flush()
    except NotWritten as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or out or 'standard output'}: {error.strerror}"
        ) from error
    return 0


def _write_fixtures(pieces: Iterator[bytes], out: Path) -> int:
    """Write the document as a fixture set, and say what no set can hold. Raises :class:`NotWritten`."""
    with TemporaryFile() as document:
        document.writelines(pieces)
        document.seek(0)
        members = dict(read_members(document, "profiles"))
        resources = [_members(ResourceSchema(), one) for one in members["resources"]]
        fixtures = Writable([Resource(**ResourceSchema().load(one)) for one in resources])

        def profiles() -> Iterator[dict[str, Any]]:
            document.seek(0)
            for one in read_entries(document, "profiles"):
                entries = list(fixtures.subscriptions(one["db_id"], one["subscriptions"]))
                yield _members(ProfileEntrySchema(), {**one, "subscriptions": entries})

        databases = [_members(DatabaseSchema(), one) for one in members["databases"]]
        files = {"profiles.json": profiles(), "resources.json": resources, "databases.json": databases}
        write_arrays(out, files)
    for what, count in fixtures.left_out.items():
        click.echo(f"left out: {count} {what}", err=True)
    click.echo(f"start from it: push-emulator --fixtures {out} --state {out / '.state'}")
    return 0


def _members(schema: Schema, record: dict[str, Any]) -> dict[str, Any]:
    """What a fixture can say of a record."""
    return {name: value for name, value in record.items() if name in schema.fields and value is not None}


class Writable:
    """The subscriptions of a state as a fixture set can hold them; ``left_out``: what it cannot, counted."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.left_out: Counter[str] = Counter()
        self._resources = {one.id: one for one in resources}
        self._active: set[PushKey] = set()

    def subscriptions(self, db_id: int, records: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The entries of a profile's subscriptions."""
        for one in records:
            resource = self._resources[one["resource_id"]]
            if db_id not in resource.db_ids or not accepted(one["provider"], resource):
                self.left_out["subscriptions that their resource no longer accepts (S6)"] += 1
                continue
            key = PushKey(db_id, resource.id, one["provider"], one["subscription_id"])
            if one["status"] == "subscribed":
                if key in self._active:
                    self.left_out["subscriptions whose token is active on another profile, too (S4)"] += 1
                    continue
                self._active.add(key)
            entry = _members(SubscriptionEntrySchema(), one)
            declared = subscription_fields(resource)
            categories = {category.name for category in resource.categories}
            fields = {name: value for name, value in one.get("fields", {}).items() if name in declared}
            cats = [choice for choice in one.get("cats", ()) if choice["name"] in categories]
            gone = len(one.get("fields", {})) - len(fields) + len(one.get("cats", ())) - len(cats)
            if gone:
                self.left_out["fields and categories that their resource no longer has"] += gone
                entry |= {"fields": fields, "cats": cats}
            yield entry


def _from_state(place: Target) -> Iterator[bytes]:
    with read_only(place) as store:
        name = place.workspace or DEFAULT_WORKSPACE
        yield from snapshot_pieces(Workspace(name, Settings(), FixtureSet(), store=store))


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
