"""The import wizard looks at a large file a few hundred rows at a time."""

from __future__ import annotations

from io import BytesIO

import pytest

from emulator.importer.survey import Survey
from tests.in_process import InProcess
from tests.many_records import Calls, Steps
from tests.shared_state.test_wizard import fields

PATH = "/__console/import"


def test_the_rows_are_looked_at_in_steps_before_an_import_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    table = "token\n" + "no-apns-token\n" * 5000
    with InProcess() as app:
        hidden = fields(app.client.get(PATH).get_data(as_text=True), PATH)
        file = BytesIO(table.encode()), "tokens.csv"
        sent = {**hidden, "resource_id": "5", "provider": "ios-apns", "file": file}
        path = app.client.post(PATH, data=sent).location
        chosen = fields(app.client.get(path).get_data(as_text=True), path)
        looks = Calls(monkeypatch, Survey, "look")
        steps = Steps(monkeypatch, looks)
        chosen |= {"by": "push", "token_column": "token", "form_shown": ""}
        answer = app.client.post(path, data=chosen)
        steps.asked()
    assert (answer.status_code, "no-apns-token" in answer.get_data(as_text=True)) == (200, True)
    assert looks.count > 10
    assert steps.longest == 1
