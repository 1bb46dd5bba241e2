"""``run.py export``: write a whole workspace as one JSON document."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from emulator.cli.target import Target, called, read_only, target_options
from emulator.settings import Settings
from emulator.store.files import replace_file
from emulator.store.fixture_set import FixtureSet
from emulator.workspaces.document import END, snapshot_pieces
from emulator.workspaces.workspace import DEFAULT_WORKSPACE, Workspace


@click.command("export")
@target_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file instead of standard output.",
)
def command(out: Path | None, **where: Any) -> int:
    """Write a whole workspace as one JSON document: data, settings, clock, faults, tokens.

    PUT /__admin/snapshot loads it into any workspace. The file appears complete or not at all.
    """
    place = Target(**where)
    pieces = _from_state(place) if place.state is not None else _from_server(place)
    try:
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
