"""``/__admin/faults``: what is armed, arming, disarming."""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import Blueprint
from marshmallow import ValidationError, fields, post_load, validate

from emulator.endpoint.schema import FieldValue
from emulator.faults.model import (
    ITEM_ERRORS,
    SPOILS,
    SPOILS_OF_ANSWERS,
    ErrorAnswer,
    Fault,
    FaultMatch,
    ItemFault,
    RateLimit,
)
from emulator.faults.tokens import MAX_DELAY_MS
from emulator.rules.lints import did_you_mean
from emulator.rules.model import INT64_MAX, MAX_ERROR_TEXT, RequestError
from emulator.rules.providers import DOCUMENTED
from emulator.schemas.errors import INT64, integer, messages, string
from emulator.web.admin.loading import MOST_COMPLAINTS, AdminSchema, load_body
from emulator.web.admin.numbers import number
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.workspace import Workspace

_STATUS = validate.Range(400, 599, error="must be 400 to 599")
_TIMES = validate.Range(1, INT64_MAX, error=f"must be 1 to {INT64_MAX}, or null")
_ERROR_TEXT = validate.Length(max=MAX_ERROR_TEXT // 4, error="must have at most {max} characters")
#: Requests a second; more than anybody can send.
MAX_RATE = 1e6
_DELAY = validate.Range(0, MAX_DELAY_MS, error=f"must be 0 to {MAX_DELAY_MS}")
_THEN = 'must be {"status": …}, {"rate_limit": {"per_second": …}}, {"item_error": …} or one of ' + ", ".join(
    SPOILS
)


_DELAY_FORM = 'must be milliseconds or {"uniform": [from, to]}'


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/faults", view_func=list_faults)
    blueprint.add_url_rule("/faults", view_func=arm_fault, methods=["POST"])
    blueprint.add_url_rule("/faults", view_func=disarm_all, methods=["DELETE"])
    blueprint.add_url_rule("/faults/<fault_id>", view_func=get_fault)
    blueprint.add_url_rule("/faults/<fault_id>", view_func=disarm_fault, methods=["DELETE"])


class MatchSchema(AdminSchema):
    """Which requests."""

    provider = string()
    subscription_id = string(validate=validate.Length(min=1, error="is never empty, so it can never match"))
    resource_token = string()
    field_value = FieldValue(error_messages={"null": "must be a string, a number, true or false"})

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> FaultMatch:
        return FaultMatch(**data)


class ErrorSchema(AdminSchema):
    """An error envelope."""

    status = integer(required=True, validate=_STATUS)
    error = integer(validate=INT64)
    error_text = string(validate=_ERROR_TEXT)


class RateSchema(AdminSchema):
    """A rate."""

    per_second = number(
        "a number",
        required=True,
        validate=validate.Range(
            0, MAX_RATE, min_inclusive=False, error=f"must be more than 0, at most {MAX_RATE:g}"
        ),
    )


class RateLimitSchema(AdminSchema):
    """A rate limit."""

    rate_limit = fields.Nested(RateSchema, required=True, error_messages=messages("an object"))


class ItemErrorSchema(AdminSchema):
    """An item error."""

    item_error = string(
        required=True, validate=validate.OneOf(list(ITEM_ERRORS), error="must be one of {choices}")
    )


class UniformSchema(AdminSchema):
    """A spread delay."""

    uniform = fields.List(
        integer(validate=_DELAY),
        required=True,
        error_messages=messages("[from, to]"),
        validate=validate.Length(equal=2, error="must be [from, to]"),
    )


class DelayField(fields.Field[Any]):
    """Milliseconds, or ``{"uniform": [from, to]}``."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int | tuple[int, int]:
        if isinstance(value, dict):
            low, high = _load(UniformSchema(), value)["uniform"]
            if low > high:
                raise ValidationError("must be [from, to] with from ≤ to")
            return (low, high)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(_DELAY_FORM)
        _DELAY(value)
        return value


class ThenField(fields.Field[Any]):
    """What becomes of the answer."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if value in SPOILS and isinstance(value, str):
            return value
        if not isinstance(value, dict):
            raise ValidationError(_THEN)
        if "rate_limit" in value:
            return RateLimit(**_load(RateLimitSchema(), value)["rate_limit"])
        if "item_error" in value:
            return ItemFault(**_load(ItemErrorSchema(), value))
        return ErrorAnswer(**_load(ErrorSchema(), value))


def _load(schema: AdminSchema, value: dict[str, Any]) -> Any:
    """One of the forms that a value can have, with the nearest known name for an unknown key."""
    try:
        return schema.load(value)
    except ValidationError as error:
        named = {}
        for name, texts in islice(error.messages_dict.items(), MOST_COMPLAINTS):
            unknown = texts == ["unknown key"]
            named[name] = ["unknown key" + did_you_mean(name, schema.fields)] if unknown else texts
        raise ValidationError(named) from error


class FaultSchema(AdminSchema):
    """A fault to arm."""

    match = fields.Nested(MatchSchema, load_default=FaultMatch, error_messages=messages("an object"))
    times = integer(allow_none=True, validate=_TIMES)
    probability = number(
        "a number from 0 to 1",
        validate=validate.Range(0, 1, min_inclusive=False, error="must be more than 0, at most 1"),
    )
    delay_ms = DelayField(error_messages={"null": _DELAY_FORM.replace("{", "{{").replace("}", "}}")})
    then = ThenField(allow_none=True)
    apply = string(validate=validate.OneOf(["before", "after"], error='must be "before" or "after"'))


def arm_fault() -> tuple[dict[str, Any], int]:
    """Arm a fault; the answer has its id."""
    asked = load_body(FaultSchema())
    then = asked.get("then")
    if then is None and not asked.get("delay_ms"):
        raise RequestError(400, "then: give it, or delay_ms, or both: this fault would do nothing", "A3")
    if isinstance(then, ItemFault) and asked.get("apply") == "after":
        raise RequestError(400, 'apply: an item_error changes nothing, so it cannot be "after"', "A3")
    apply = asked.pop("apply", "after" if then in SPOILS_OF_ANSWERS else "before")
    fault = Fault("", after=apply == "after", **asked)
    _check_it_can_match(workspace(), fault)
    return shown(workspace_to_change().arm(fault)), 201


def _check_it_can_match(found: Workspace, fault: Fault) -> None:
    """Refuse a fault that no request of this workspace could ever meet."""
    resources = found.store.resources()
    token, provider = fault.match.resource_token, fault.match.provider
    if token is not None and all(resource.token != token for resource in resources):
        raise RequestError(
            400, "match.resource_token: no resource has this token, so it can never match", "A3"
        )
    known = {*DOCUMENTED, *(name for resource in resources for name in resource.providers or ())}
    if provider is not None and provider not in known:
        raise RequestError(400, f'match.provider: nobody knows "{provider}", so it can never match', "A3")


def shown(fault: Fault) -> dict[str, Any]:
    """A fault as the API shows it, in the form in which it is armed."""
    delay: Any = fault.delay_ms
    if isinstance(delay, tuple):
        delay = {"uniform": list(delay)}
    match = {name: getattr(fault.match, name) for name in fault.match.__struct_fields__}
    return {
        "id": fault.id,
        "match": {name: value for name, value in match.items() if value is not None},
        "times": fault.times,
        "probability": fault.probability,
        "delay_ms": delay,
        "then": _then(fault),
        "apply": "after" if fault.after else "before",
        "fired": fault.fired,
    }


def _then(fault: Fault) -> Any:
    if isinstance(fault.then, ErrorAnswer):
        return {"status": fault.then.status, "error": fault.then.code, "error_text": fault.then.text}
    if isinstance(fault.then, RateLimit):
        return {"rate_limit": {"per_second": fault.then.per_second}}
    if isinstance(fault.then, ItemFault):
        return {"item_error": fault.then.item_error}
    return fault.then


def list_faults() -> dict[str, Any]:
    """All armed faults, in the order in which they are tried."""
    items = [shown(fault) for fault in workspace().faults]
    return {"items": items, "next": None, "total": len(items)}


def get_fault(fault_id: str) -> dict[str, Any]:
    """One armed fault."""
    fault = workspace().faults.get(fault_id)
    if fault is None:
        raise RequestError(404, f"fault {fault_id} not found", "A3")
    return shown(fault)


def disarm_fault(fault_id: str) -> dict[str, Any]:
    """Disarm one."""
    if not workspace().disarm(fault_id):
        raise RequestError(404, f"fault {fault_id} not found", "A3")
    return {"disarmed": 1}


def disarm_all() -> dict[str, Any]:
    """Disarm all."""
    return {"disarmed": workspace().disarm()}
