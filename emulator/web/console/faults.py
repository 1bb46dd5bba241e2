"""``/__console/faults``: the active faults, the catalogue of every error, the form for any other fault."""

import json
from functools import cache
from typing import Any

from flask import Response, render_template, request
from markupsafe import Markup

from emulator.faults.catalogue import CATALOGUE, GROUPS, Recipe
from emulator.faults.model import CALL_NAMES, Fault
from emulator.rules.errors import Invalid, NotFound
from emulator.rules.texts import Problem, message
from emulator.web.admin.faults import FaultSchema, check_fault
from emulator.web.admin.loading import load
from emulator.web.console.language import gettext
from emulator.web.console.pages import number_of, pages, plain_text, see_other
from emulator.web.console.presenters.filters import EFFECTS, effect_of
from emulator.web.console.presenters.reuse import likenesses
from emulator.web.console.shown import command, entry_of
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.answers import armed_fault
from emulator.workspaces.workspace import Workspace


@pages.get("/__console/faults")
def faults() -> str:
    """The active faults, and the catalogue."""
    found = workspace()
    armed, recipes = [_armed(found, fault) for fault in found.faults], CATALOGUE.values()
    return render_template("console/faults.html", armed=armed, groups=GROUPS, recipes=recipes)


@pages.get("/__console/faults/<recipe_id>")
def recipe(recipe_id: str) -> str:
    """One error: the token to type, its QR code, the fault to create, the command."""
    store, one = workspace().store, _recipe(recipe_id)
    return render_template(
        "console/recipe.html",
        call=command(one.call),
        calls=CALL_NAMES,
        document=json.dumps({**one.fault, "times": 1}, indent=2) if one.fault else "",
        qr_code=_qr_code(one.token) if one.token else None,
        recipe=one,
        resources=store.resources(),
    )


@pages.get("/__console/faults/<recipe_id>/curl.txt")
def recipe_curl(recipe_id: str) -> Response:
    """The request that meets the error, with the real resource token: for the copy button."""
    return plain_text(command(_recipe(recipe_id).call, whole=True))


@pages.post("/__console/faults/<recipe_id>")
def arm(recipe_id: str) -> Response:
    """Create a recipe's fault, for the requests and as often as the form says."""
    return _arm(recipe_id, match_of_form())


@pages.post("/__console/requests/<int64:entry_id>/fail")
def arm_like(entry_id: int) -> Response:
    """Create a fault for requests like this one: what they must have in common is the form's ``like``."""
    match = likenesses(entry_of(workspace(), entry_id)).get(request.form.get("like", ""))
    if match is None:
        raise Invalid(Problem("like", "must be a property of this request"))
    return _arm(request.form.get("recipe", ""), match)


@pages.post("/__console/faults/disarm")
def disarm() -> Response:
    """Delete the fault that the form names, or all."""
    workspace().disarm(request.form.get("id"))  # one that is gone already is as wanted
    return see_other("console.faults", gettext("Disarmed."))


def _recipe(recipe_id: str) -> Recipe:
    if recipe_id not in CATALOGUE:
        raise NotFound(message('"%(id)s" is not in the catalogue of faults', id=recipe_id))
    return CATALOGUE[recipe_id]


def match_of_form() -> dict[str, Any]:
    """The criteria that a form gives for a fault: a resource stands for its token."""
    form = request.form
    criteria = ("provider", "subscription_id", "field_value", "call", "profile_id", "event")
    match = {name: form[name] for name in criteria if form.get(name)}
    if form.get("resource_id"):
        tokens = {str(one.id): one.token for one in workspace().store.resources()}
        match["resource_token"] = tokens.get(form["resource_id"], "")
    return match


def _arm(recipe_id: str, match: dict[str, Any]) -> Response:
    fault = _recipe(recipe_id).fault
    if fault is None:
        raise Invalid(Problem(recipe_id, "needs no fault: its page has a request that causes it"))
    return arm_and_list(read_fault({**fault, "match": match}))


def read_fault(document: dict[str, Any]) -> Fault:
    """A fault as the admin API reads it, to act as often as the form says. Raises :class:`Invalid`."""
    times = _whole("times") if "times" in request.form else 1
    fault: Fault = load(FaultSchema(), {**document, "times": times})
    return fault


def arm_and_list(fault: Fault) -> Response:
    """Arm the fault, then lead to the list."""
    workspace_to_change().arm(fault)
    return see_other("console.faults", gettext("The fault is armed."))


@cache
def _titles() -> list[tuple[str, Fault]]:
    return [(one.title, load(FaultSchema(), one.fault)) for one in CATALOGUE.values() if one.fault]


def _armed(found: Workspace, fault: Fault) -> tuple[Fault, str, dict[str, Any]]:
    """A fault, its recipe's title (else its effect), and its criteria: no token, but a resource."""
    armed = armed_fault(fault)
    effect = (fault.then, fault.delay_ms, fault.after)
    token = armed.match.pop("resource_token", None)
    if token is not None:
        resource = found.store.find_resource(token)
        armed.match["resource"] = resource.name if resource else "?"
    titles = [gettext(title) for title, one in _titles() if (one.then, one.delay_ms, one.after) == effect]
    return fault, [*titles, effect_of(fault)][0], armed.match


def _qr_code(text: str) -> Markup:
    """The text as an inline SVG."""
    import segno  # noqa: PLC0415 (takes 25 ms to load: the server's start need not wait for it)

    code = segno.make(text, error="m", micro=False)
    return Markup(code.svg_inline(scale=5, border=2, dark="#000", light="#fff", omitsize=True, title=text))  # nosec B704


@pages.get("/__console/faults/own")
def own_fault() -> str:
    """The form; the query string may fill in the criteria."""
    store = workspace().store
    return render_template(
        "console/own_fault.html",
        calls=CALL_NAMES,
        effects=EFFECTS,
        filled=request.args,
        resources=store.resources(),
    )


@pages.post("/__console/faults/own")
def arm_own() -> Response:
    """Arm the fault that the form describes, judged as the admin API does."""
    document: dict[str, Any] = {"match": match_of_form(), "then": _then()}
    if request.form.get("apply"):
        document["apply"] = request.form["apply"]
    if request.form.get("probability"):
        document["probability"] = _decimal("probability")
    delay, longest = _whole("delay_ms"), _whole("longest_ms")
    if delay is not None or longest is not None:
        document["delay_ms"] = delay if longest is None else {"uniform": [delay or 0, longest]}
    fault = read_fault(document)
    check_fault(workspace(), fault)
    return arm_and_list(fault)


def _then() -> Any:
    """The effect, as the admin API takes it."""
    effect, _, detail = request.form.get("effect", "").partition(".")
    if effect == "delay":
        return None
    if effect == "rate_limit":
        return {effect: {"per_second": _decimal("per_second")}}
    if effect == "item_error":
        return {effect: detail}
    if effect != "status":
        return effect
    text = request.form.get("error_text")
    given = {"status": number_of("status"), "error": _whole("error"), "error_text": text or None}
    return {name: value for name, value in given.items() if value is not None}


def _whole(name: str) -> int | None:
    return number_of(name) if request.form.get(name) else None


def _decimal(name: str) -> float | str:
    """A number, with a point or a comma; what is none stays as it is, for the schema to refuse."""
    text = request.form.get(name, "")
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text
