"""Mistakes in arguments that Python would carry out: they are refused before a call to the server."""

from __future__ import annotations

from typing import Any

import pytest

from push_emulator import AsyncEmulatorClient, EmulatorClient, LocalServer, PushEmulator, subscription

TEXT = "not the text 'abc'"
IDS = f"db_ids: must be a list of ids, {TEXT}"
DICTIONARIES = f"must be a list of dictionaries, {TEXT}"
CRITERIA = f"criteria: must be a dictionary, {TEXT}"
RESOURCE = 'client.resources.create(98, "App", "token-of-98"'
MISTAKES = {
    'client.workspaces.delete_all("abc")': f"names: must be a list of names, {TEXT}",
    'client.reset(keep="abc")': f"keep: must be a list of names, {TEXT}",
    'client.push("t", [], db_ids="abc")': IDS,
    'client.push("t", [], db_ids=17)': "db_ids: must be a list of ids, not 17",
    'client.push("t", "abc")': f"subscriptions: {DICTIONARIES}",
    'client.push("t", ["abc"])': f"subscriptions[0]: must be a dictionary, {TEXT}",
    'client.push("t", subscription("t1"))': (
        "subscriptions: must be a list of dictionaries, not the dictionary "
        "{'provider': 'android-firebase', 'subscription_id': 't1'}"
    ),
    f'{RESOURCE}, "abc")': IDS,
    f'{RESOURCE}, [17], "abc")': f"providers: must be a list of providers, {TEXT}",
    f'{RESOURCE}, [17], role_tokens="abc")': f"role_tokens: {DICTIONARIES}",
    f'{RESOURCE}, [17], categories="abc")': f"categories: {DICTIONARIES}",
    'client.profiles.create(17, subscriptions="abc")': f"subscriptions: {DICTIONARIES}",
    'client.profiles.find(fields="abc")': f"fields: must be a dictionary, {TEXT}",
    'client.subscriptions.create(17, "a", 5, "ios-apns", "t", cats="abc")': f"cats: {DICTIONARIES}",
    'client.subscriptions.change("a", cats="abc")': f"cats: {DICTIONARIES}",
    'client.requests.find("abc")': CRITERIA,
    'client.requests.all("abc")': CRITERIA,
    'client.requests.count("abc")': CRITERIA,
    'client.events.verify("abc")': CRITERIA,
    'client.restore("abc")': f"snapshot: must be a dictionary, {TEXT}",
    'LocalServer(command="abc")': f"command: must be a list of words, {TEXT}",
}
IN_A_TEST = {
    'verify("abc")': CRITERIA,
    'events("open", "abc")': CRITERIA,
    'requests("abc")': CRITERIA,
    'profile(17, fields="abc")': f"fields: must be a dictionary, {TEXT}",
    'profile(17, subscriptions="abc")': f"subscriptions: {DICTIONARIES}",
    'push(["t1", "t2"])': "push: takes each token as an argument of its own, not ['t1', 't2']",
}
#: Without an id their paths would mean all faults, all workspaces …
EMPTY = (
    'client.faults.disarm("")',
    'client.workspaces.delete("")',
    'client.imports.get("")',
    'client.profiles.get(17, "")',
    "client.profiles.get()",
)
NOBODY = "http://127.0.0.1:9"


def said(expression: str, kind: type[Exception], **names: Any) -> str:
    with pytest.raises(kind) as raised:
        eval(expression, {"subscription": subscription, "LocalServer": LocalServer, **names})
    return str(raised.value)


@pytest.mark.parametrize("client_class", [EmulatorClient, AsyncEmulatorClient])
@pytest.mark.parametrize(("call", "reason"), MISTAKES.items(), ids=str)
def test_a_text_in_place_of_a_list_or_a_dictionary(client_class: Any, call: str, reason: str) -> None:
    assert said(call, TypeError, client=client_class(NOBODY)) == reason


@pytest.mark.parametrize(("call", "reason"), IN_A_TEST.items(), ids=str)
def test_a_text_in_place_of_a_list_or_a_dictionary_in_a_test(call: str, reason: str) -> None:
    emulator = PushEmulator(EmulatorClient(NOBODY), "token")
    assert said(f"emulator.{call}", TypeError, emulator=emulator) == reason


@pytest.mark.parametrize("call", EMPTY)
def test_an_empty_id(call: str) -> None:
    assert said(call, ValueError, client=EmulatorClient(NOBODY)) == "the id or name is empty"
