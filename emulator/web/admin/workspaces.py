"""``/__admin/workspaces``: list them, make one, delete one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from emulator.rules.model import RequestError
from emulator.web.current import emulator


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/workspaces", view_func=list_workspaces)
    blueprint.add_url_rule("/workspaces/<name>", view_func=make_workspace, methods=["PUT"])
    blueprint.add_url_rule("/workspaces/<name>", view_func=delete_workspace, methods=["DELETE"])


def list_workspaces() -> dict[str, Any]:
    """Every workspace, with what is in it where it is open."""
    workspaces = emulator().workspaces
    opened = {one.name: one for one in workspaces}
    items: list[dict[str, Any]] = []
    for name in workspaces.names():
        one = opened.get(name)
        item: dict[str, Any] = {"name": name, "open": one is not None}
        if one is not None:
            item["profiles"] = one.store.profile_count
            item["subscriptions"] = one.store.subscription_count
            item["requests"] = len(one.requests)
            item["idle_s"] = round(one.idle_s, 3)
        items.append(item)
    return {"items": items, "next": None, "total": len(items)}


def make_workspace(name: str) -> dict[str, Any]:
    """Make a workspace before its first use; one that is there stays as it is."""
    return {"name": emulator().workspaces.get(name).name}


def delete_workspace(name: str) -> dict[str, Any]:
    """Delete a workspace with all that is in it."""
    if not emulator().workspaces.delete(name):
        raise RequestError(404, f"workspace {name} not found", "A3")
    return {"deleted": name}
