"""``/__console/faults/own``: the form for any fault that the admin API can arm."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

from emulator.faults.model import CALL_NAMES
from emulator.web.admin.faults import check_fault
from emulator.web.admin.possible import known_providers
from emulator.web.console.faults import arm_and_list, match_of_form, read_fault
from emulator.web.console.pages import number_of, pages
from emulator.web.console.presenters.effects import EFFECTS
from emulator.web.current import workspace

#: What becomes of a request that a fault acts on.
APPLIES = {
    "": "the usual effect of this answer",
    "before": "changes nothing",
    "after": "takes effect, then its answer is replaced",
}


@pages.get("/__console/faults/own")
def own_fault() -> str:
    """The form; the query string may fill in the criteria."""
    store = workspace().store
    return render_template(
        "console/own_fault.html",
        applies=APPLIES,
        calls=CALL_NAMES,
        effects=EFFECTS,
        filled=request.args,
        providers=known_providers(store),
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
