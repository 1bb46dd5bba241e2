"""Unknown keys are told in the order of the document, the same in every run."""

import pytest
from marshmallow import ValidationError

from emulator.fixtures.schema import ProfileEntrySchema
from emulator.schemas.errors import flatten

_KEYS = [f"unknown-{number * 7 % 20}" for number in range(20)]


def test_unknown_keys_are_told_in_the_order_of_the_document() -> None:
    entry = {"provider": "p", "subscription_id": "t", "resource_id": 1}
    unknown = dict.fromkeys(_KEYS, 1)
    with pytest.raises(ValidationError) as refused:
        ProfileEntrySchema().load({**unknown, "db_id": "x", "subscriptions": [entry | unknown]})
    told = [path for path, _ in flatten(refused.value.messages)]
    assert told == ["db_id", *(f"subscriptions[0].{key}" for key in _KEYS), *_KEYS]
