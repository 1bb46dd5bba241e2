"""``/__console/faults``: what is armed, and the catalogue of every error with the way to see it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup
from msgspec.structs import asdict

from emulator.faults.calls import curl
from emulator.faults.catalogue import CATALOGUE, GROUPS, Recipe
from emulator.faults.model import Fault
from emulator.rules.model import RequestError
from emulator.web.admin.faults import FaultSchema
from emulator.web.admin.loading import load
from emulator.web.console.moving import see_other
from emulator.web.console.presenters.likeness import likenesses
from emulator.web.console.presenters.providers import known_providers
from emulator.web.console.shown import base_url, entry_of, shown_resources, text
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.answers import armed_fault
from emulator.workspaces.workspace import Workspace

_CRITERIA = ("provider", "subscription_id", "field_value")


def add_routes(blueprint: Blueprint) -> None:
    """Add these pages' routes."""
    path = "/__console/faults"
    blueprint.add_url_rule(path, "faults", show_faults)
    blueprint.add_url_rule(path + "/<recipe_id>", "recipe", show_recipe)
    blueprint.add_url_rule(path + "/<recipe_id>", "arm", arm, methods=["POST"])
    blueprint.add_url_rule(path + "/<recipe_id>/curl.txt", "recipe_curl", show_curl)
    blueprint.add_url_rule(path + "/disarm", "disarm", disarm, methods=["POST"])
    blueprint.add_url_rule(
        "/__console/requests/<int64:entry_id>/fail", "arm_like", arm_like, methods=["POST"]
    )


def show_faults() -> str:
    """What is armed, and the catalogue."""
    found = workspace()
    groups = {
        group: (title, [recipe for recipe in CATALOGUE.values() if recipe.group == group])
        for group, title in GROUPS.items()
    }
    return render_template(
        "console/faults.html", armed=[_armed(found, fault) for fault in found.faults], groups=groups
    )


def show_recipe(recipe_id: str) -> str:
    """One error: the token to type, its QR code, the fault to arm, the command."""
    found = workspace()
    recipe = _recipe(recipe_id)
    return render_template(
        "console/recipe.html",
        call=curl(recipe.call, base_url(), shown_resources(found), found.store.databases())
        if recipe.call
        else "",
        document=json.dumps({**recipe.fault, "times": 1}, indent=2) if recipe.fault else "",
        providers=known_providers(found.store),
        qr_code=_qr_code(recipe.token) if recipe.token else None,
        recipe=recipe,
        resources=found.store.resources(),
    )


def show_curl(recipe_id: str) -> Response:
    """The request that meets the error, with the real resource token: for the copy button."""
    recipe, store = _recipe(recipe_id), workspace().store
    return text(curl(recipe.call, base_url(), store.resources(), store.databases()) if recipe.call else "")


def arm(recipe_id: str) -> Response:
    """Arm a recipe's fault, for the requests and as often as the form says."""
    found, form = workspace(), request.form
    match = {name: form[name] for name in _CRITERIA if form.get(name)}
    if form.get("resource_id"):
        tokens = {str(one.id): one.token for one in found.store.resources()}
        match["resource_token"] = tokens.get(form["resource_id"], "")
    return _arm(recipe_id, match)


def arm_like(entry_id: int) -> Response:
    """Arm a fault for requests like this one: what they must have in common is the form's ``like``."""
    found = workspace()
    match = likenesses(entry_of(found, entry_id)).get(request.form.get("like", ""))
    if match is None:
        raise RequestError(400, "like: is nothing that this request has", "A3")
    return _arm(request.form.get("recipe", ""), match)


def disarm() -> Response:
    """Disarm the fault that the form names, or all."""
    workspace().disarm(request.form.get("id"))  # one that is gone already is as wanted
    return see_other("console.faults")


def _recipe(recipe_id: str) -> Recipe:
    recipe = CATALOGUE.get(recipe_id)
    if recipe is None:
        raise RequestError(404, f'"{recipe_id}" is not in the catalogue of faults', "A3")
    return recipe


def _arm(recipe_id: str, match: dict[str, Any]) -> Response:
    """Arm, judged as the admin API does; then to the list. Raises :class:`RequestError` 400."""
    recipe = _recipe(recipe_id)
    if recipe.fault is None:
        raise RequestError(400, f"{recipe_id}: needs no fault; its page has a request that meets it", "A3")
    times = request.form.get("times", "1")
    number = int(times) if times.isdecimal() and len(times) < 10 else times or None
    workspace_to_change().arm(load(FaultSchema(), {**recipe.fault, "match": match, "times": number}))
    return see_other("console.faults")


@cache
def _effects() -> list[tuple[Recipe, Fault]]:
    return [(recipe, load(FaultSchema(), recipe.fault)) for recipe in CATALOGUE.values() if recipe.fault]


def _armed(found: Workspace, fault: Fault) -> dict[str, Any]:
    """A fault as the page shows it: by its recipe's title, with the name of the resource, not its token."""
    armed = armed_fault(fault)
    token = armed.match.pop("resource_token", None)
    if token is not None:
        resource = found.store.find_resource(token)
        armed.match["resource"] = resource.name if resource else "?"
    effect = (fault.then, fault.delay_ms, fault.after)
    titles = [recipe.title for recipe, one in _effects() if (one.then, one.delay_ms, one.after) == effect]
    then = armed.then
    words = then if isinstance(then, str) else json.dumps(then, ensure_ascii=False) if then else ""
    return {**asdict(armed), "title": titles[0] if titles else "", "words": words}


def _qr_code(text: str) -> Markup:
    """The text as an inline SVG."""
    import segno  # noqa: PLC0415 (takes 25 ms to load: the server's start need not wait for it)

    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(scale=5, border=2, dark="#000", light="#fff", omitsize=True, title=text))  # nosec B704
