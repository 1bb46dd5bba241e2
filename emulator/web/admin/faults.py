"""``/__admin/faults``: list, arm and disarm faults."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from emulator.faults.model import (
    CALL_NAMES,
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
from emulator.rules.errors import Invalid, NotFound
from emulator.rules.model import INT64_MAX
from emulator.rules.texts import Problem, message
from emulator.schemas.errors import (
    ERROR_TEXT,
    INT64,
    Between,
    JSONScalar,
    StrictSchema,
    integer,
    messages,
    nested,
    one_of,
    string,
)
from emulator.schemas.json_schema import JSONSchema
from emulator.web.admin.loading import number
from emulator.web.admin.operation import link, operation
from emulator.web.admin.possible import known_providers
from emulator.web.current import workspace, workspace_to_change
from emulator.workspaces.answers import armed_fault
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.workspace_answers import ArmedFault, Disarmed

_STATUS = Between(400, 599)
_NOT_EMPTY = validate.Length(min=1, error="is never empty, so it can never match")
_TIMES = validate.Range(1, INT64_MAX, error=f"must be 1 to {INT64_MAX}, or null")
#: The most requests a second of a limit: more than anybody can send.
_PER_SECOND = validate.Range(0, 1e6, min_inclusive=False, error="must be more than 0, at most 1e+06")
APPLY = validate.OneOf(["before", "after"], error='must be "before" or "after"')
_DELAY = Between(0, MAX_DELAY_MS)
_DELAY_FORM = 'must be milliseconds or {"uniform": [from, to]}'
_THEN = 'must be {"status": …}, {"rate_limit": {"per_second": …}}, {"item_error": …} or one of ' + ", ".join(
    SPOILS
)
_MILLISECONDS: JSONSchema = {"type": "integer", "minimum": 0, "maximum": MAX_DELAY_MS}

_ERROR = StrictSchema.from_dict(
    {
        "status": integer(required=True, validate=_STATUS),
        "error": integer(validate=INT64),
        "error_text": string(validate=ERROR_TEXT),
    }
)
_RATE = StrictSchema.from_dict(
    {"per_second": number("must be a number", required=True, validate=_PER_SECOND)}
)
_RATE_LIMIT = StrictSchema.from_dict({"rate_limit": nested(_RATE, required=True)})
_ITEM_ERROR = StrictSchema.from_dict({"item_error": one_of(ITEM_ERRORS, required=True)})
_FORMS = StrictSchema.from_dict(
    {name: one for form in (_ERROR, _RATE_LIMIT, _ITEM_ERROR) for name, one in form().fields.items()}
)
_UNIFORM = StrictSchema.from_dict(
    {
        "uniform": fields.List(
            integer(validate=_DELAY),
            required=True,
            error_messages=messages("must be [from, to]"),
            validate=validate.Length(equal=2, error="must be [from, to]"),
        )
    }
)


class MatchSchema(StrictSchema):
    """Which requests."""

    provider = string()
    subscription_id = string(validate=_NOT_EMPTY)
    resource_token = string()
    field_value = JSONScalar(error_messages={"null": "must be a string, a number, true or false"})

    call = one_of(CALL_NAMES)
    profile_id = string(validate=_NOT_EMPTY)
    event = string(validate=_NOT_EMPTY)

    makes = FaultMatch


class DelayField(fields.Field[Any]):
    """Milliseconds, or ``{"uniform": [from, to]}``; ``schema``: the keys that it may have."""

    schema = _UNIFORM()

    def json_schema(self, converter: Any) -> JSONSchema:
        """What it accepts; ``converter``: apispec's."""
        return {"anyOf": [_MILLISECONDS, converter.resolve_nested_schema(_UNIFORM)]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int | tuple[int, int]:
        if isinstance(value, dict):
            low, high = self.schema.load(value)["uniform"]
            if low > high:
                raise ValidationError("must be [from, to] with from ≤ to")
            return (low, high)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(_DELAY_FORM)
        _DELAY(value)
        return value


class ThenField(fields.Field[Any]):
    """What happens to the answer; ``schema``: the keys that its forms have."""

    schema = _FORMS()

    def json_schema(self, converter: Any) -> JSONSchema:
        """What it accepts; ``converter``: apispec's."""
        return {"anyOf": [*_answers(converter), converter.resolve_nested_schema(_ITEM_ERROR)]}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if value in SPOILS and isinstance(value, str):
            return value
        if not isinstance(value, dict):
            raise ValidationError(_THEN)
        if "rate_limit" in value:
            return RateLimit(**_RATE_LIMIT().load(value)["rate_limit"])
        if "item_error" in value:
            return ItemFault(**_ITEM_ERROR().load(value))
        return ErrorAnswer(**_ERROR().load(value))


def _answers(converter: Any) -> list[JSONSchema]:
    forms = map(converter.resolve_nested_schema, (_ERROR, _RATE_LIMIT))
    return [{"type": "string", "enum": list(SPOILS)}, *forms]


class FaultSchema(StrictSchema):
    """A fault to arm."""

    match = nested(MatchSchema, load_default=FaultMatch)
    times = integer(allow_none=True, validate=_TIMES)
    probability = number(
        "must be a number from 0 to 1",
        validate=validate.Range(0, 1, min_inclusive=False, error="must be more than 0, at most 1"),
    )
    delay_ms = DelayField(error_messages={"null": _DELAY_FORM.replace("{", "{{").replace("}", "}}")})
    then = ThenField(allow_none=True)
    apply = string(validate=APPLY)

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> Fault:
        usual = "after" if data.get("then") in SPOILS_OF_ANSWERS else "before"
        return Fault(data.pop("id", ""), after=data.pop("apply", usual) == "after", **data)

    def json_schema(self, converter: Any) -> JSONSchema:
        """The combinations of keys with an effect; ``converter``: apispec's."""
        item_error, uniform = map(converter.resolve_nested_schema, (_ITEM_ERROR, _UNIFORM))
        return {
            "anyOf": [
                {
                    "title": "another answer, or none",
                    "properties": {"then": {"anyOf": _answers(converter)}},
                    "required": ["then"],
                },
                {
                    "title": "an error in an item, which changes nothing",
                    "properties": {"then": item_error, "apply": {"const": "before"}},
                    "required": ["then"],
                },
                {
                    "title": "a delay alone",
                    "properties": {
                        "then": {"type": "null"},
                        "delay_ms": {"anyOf": [{**_MILLISECONDS, "minimum": 1}, uniform]},
                    },
                    "required": ["delay_ms"],
                },
            ]
        }


@operation("get", "/faults")
def list_faults() -> Page[ArmedFault]:
    """The armed faults, in the order in which they are tried."""
    items = list(map(armed_fault, workspace().faults))
    return Page(items, None, len(items))


@operation(
    "post",
    "/faults",
    status=201,
    body=FaultSchema,
    body_needed=True,
    links={**link("get_fault", fault_id="/id"), **link("disarm_fault", fault_id="/id")},
)
def arm_fault(body: Fault) -> ArmedFault:
    """Arm a fault."""
    check_fault(workspace(), body)
    return armed_fault(workspace_to_change().arm(body))


def check_fault(found: Workspace, fault: Fault) -> None:
    """Refuse a fault without an effect, or one that no request of the workspace could ever meet.

    Raises :class:`Invalid`.
    """
    if fault.then is None and not fault.delay_ms:
        raise Invalid(Problem("then", "give it, or delay_ms, or both: this fault would do nothing"))
    if isinstance(fault.then, ItemFault) and fault.after:
        raise Invalid(Problem("apply", 'an item_error changes nothing, so it cannot be "after"'))
    token, provider = fault.match.resource_token, fault.match.provider
    if token is not None and found.store.find_resource(token) is None:
        raise Invalid(Problem("match.resource_token", "no resource has this token, so it can never match"))
    if provider is not None and provider not in known_providers(found.store):
        text = 'nobody knows "%(provider)s", so it can never match'
        raise Invalid(Problem.of("match.provider", text, provider=provider))
    call, event = fault.match.call, fault.match.event
    if event is not None and call not in (None, "mobile_event"):
        raise Invalid(Problem("match.event", "only mobile_event has one, so it can never match"))
    if fault.match.field_value is not None and (event is not None or call not in (None, "push_subscribe")):
        raise Invalid(Problem("match.field_value", "only push_subscribe has one, so it can never match"))


@operation("get", "/faults/<fault_id>", refusals=(404,))
def get_fault(fault_id: str) -> ArmedFault:
    """One armed fault."""
    fault = workspace().faults.get(fault_id)
    if fault is None:
        raise NotFound(message("fault %(id)s not found", id=fault_id))
    return armed_fault(fault)


@operation("delete", "/faults/<fault_id>", refusals=(404,))
def disarm_fault(fault_id: str) -> Disarmed:
    """Disarm one fault."""
    if not workspace().disarm(fault_id):
        raise NotFound(message("fault %(id)s not found", id=fault_id))
    return Disarmed(1)


@operation("delete", "/faults")
def disarm_all() -> Disarmed:
    """Disarm all faults."""
    return Disarmed(workspace().disarm())
