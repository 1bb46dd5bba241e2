"""Random requests, restarts, resets, crashes: the emulator and a plain reading of the rules agree."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from emulator.emulator import Emulator
from emulator.messages import Incoming
from emulator.rules.catalogue import POLICY_RULES, SDK_RULES
from emulator.rules.model import Policies
from emulator.settings import POLICY_CHOICES, Settings
from emulator.store import log as journal
from emulator.store import snapshot
from emulator.store.doctor import examine
from emulator.store.state import State
from tests.end_to_end.plain_rules import PlainWorld
from tests.store.databases import check_indexes

BOUND_S = 30.0

DATABASES = [
    {"id": 1, "name": "One", "fields": {"number": "int", "word": "string"}},
    {"id": 2, "name": "Two", "fields": {"number": "int"}},
    {"id": 3, "name": "Three", "fields": {}},
]
RESOURCES = [
    {"id": 10, "name": "both", "token": "both", "db_ids": [2, 1]},
    {"id": 11, "name": "all", "token": "all", "db_ids": [1, 2, 3]},
    {"id": 12, "name": "none", "token": "none", "db_ids": []},
    {"id": 13, "name": "few", "token": "few", "db_ids": [1], "providers": ["ios-apns", "android-rustore"]},
]
A, B = "a" * 24, "b" * 24
FIREBASE = "android-firebase"
PROFILES = [
    {
        "id": A,
        "db_id": 1,
        "fields": {"number": 7},
        "subscriptions": [
            {"resource_id": 10, "provider": FIREBASE, "subscription_id": "t1"},
            {"resource_id": 10, "provider": FIREBASE, "subscription_id": "t2", "status": "unsubscribed"},
        ],
    },
    {
        "id": B,
        "db_id": 1,
        "fields": {"number": 7, "word": "seven"},
        "subscriptions": [
            {"resource_id": 10, "provider": FIREBASE, "subscription_id": "t2"},
            {"resource_id": 10, "provider": FIREBASE, "subscription_id": "t1", "status": "unsubscribed"},
        ],
    },
    {
        "id": A,
        "db_id": 2,
        "subscriptions": [{"resource_id": 10, "provider": FIREBASE, "subscription_id": "t1"}],
    },
]

#: The policies of the endpoint; the mobile SDKs' are not this model's.
CHOICES = {
    name: choices for name, choices in POLICY_CHOICES.items() if POLICY_RULES[name][0] not in SDK_RULES
}
_entries: Any = st.lists(
    st.builds(
        lambda provider, token, unsubscribe: {
            "provider": provider,
            "subscription_id": token,
            **({} if unsubscribe is None else {"unsubscribe": unsubscribe}),
        },
        st.sampled_from([FIREBASE] * 6 + ["ios-apns", "ios-apns", "android-rustore", "carrier-pigeon"]),
        st.sampled_from(["t1", "t2", "t3", "t4", "токен"]),
        st.sampled_from([None, False, True]),
    ),
    min_size=1,
    max_size=3,
)
_requests: Any = st.builds(
    lambda token, entries, more: {"resource_token": token, "subscriptions": entries, **more},
    st.sampled_from(["both"] * 4 + ["all"] * 3 + ["few", "none", "nobody"]),
    _entries | st.sampled_from([[], [{"provider": FIREBASE, "subscription_id": ""}]]) | _entries,
    st.one_of(
        st.just({}),
        st.just({"id": "", "matching": None, "db_ids": []}),
        st.fixed_dictionaries({"id": st.sampled_from([A, B, "mine", "c" * 24, "x" * 65])}),
        st.fixed_dictionaries(
            {"matching": st.just("profile_id")}, optional={"id": st.sampled_from([A, B, "mine"])}
        ),
        st.fixed_dictionaries(
            {
                "matching": st.just("custom"),
                "field_name": st.sampled_from(["number", "number", "word", "nothing", ""]),
                "field_value": st.sampled_from([7, "7", 8, "seven", "слово", True, None]),
            }
        ),
        st.fixed_dictionaries({"db_ids": st.lists(st.sampled_from([1, 2, 3, 99]), max_size=3)}),
        st.just({"matching": "guess"}),
    ),
)


class EmulatorMachine(RuleBasedStateMachine):
    """One workspace that is used, stopped, killed and started again, and its plain model beside it."""

    @initialize(
        policies=st.fixed_dictionaries({name: st.sampled_from(choices) for name, choices in CHOICES.items()})
    )
    def start(self, policies: dict[str, Any]) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.fixtures = self.root / "fixtures"
        self.fixtures.mkdir()
        for name, entries in (("databases", DATABASES), ("resources", RESOURCES), ("profiles", PROFILES)):
            (self.fixtures / f"{name}.json").write_text(json.dumps(entries))
        self.policies = Policies(**policies)
        self.plain = PlainWorld(DATABASES, RESOURCES, PROFILES, policies)
        self.lives = 0
        self.folder = self.root / "state"
        self.emulator = self.opened()

    def opened(self) -> Emulator:
        return Emulator(Settings(fixtures=self.fixtures, state=self.folder, policies=self.policies))

    def teardown(self) -> None:
        if hasattr(self, "emulator"):
            self.emulator.close()
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    def profiles(self) -> list[tuple[int, str, dict[str, Any]]]:
        return profiles_of(self.emulator.workspaces.default.store.storage.state)

    # Requests

    @rule(request=_requests)
    def ask(self, request: dict[str, Any]) -> None:
        body = json.dumps(request).encode()
        headers = {"content-type": "application/json"}
        before = {one[:2] for one in self.profiles()}
        answer = self.emulator.exchange.handle(
            Incoming("POST", "/push_subscribe", "", headers, body, "127.0.0.1:1")
        )
        real = json.loads(answer.body)
        errors = self.plain.request_errors(request)
        if errors:
            status = real["error"] if self.policies.http_status == "mirror" else 200
            data = {"data": []} if self.policies.error_data == "empty" else {}
            assert (answer.status, real) == (status, {**data, **_without_data(real)})  # A3
            assert real["error"] in errors
        else:
            made = {one[0]: one[1] for one in self.profiles() if one[:2] not in before}
            expected = self.plain.answer(request, real, made)
            assert (answer.status, real) == (200, expected)
            for item, wanted in zip(real["data"], expected["data"], strict=True):
                assert list(item) == list(wanted)

    @rule(requests=st.lists(_requests, min_size=1, max_size=8))
    def ask_several(self, requests: list[dict[str, Any]]) -> None:
        for request in requests:
            self.ask(request)

    @rule(token=st.sampled_from(["t1", "t3", "t4"]), owners=st.permutations([A, B, "mine"]))
    def hand_a_token_around(self, token: str, owners: list[str]) -> None:
        """One after the other has it, and in the end nobody; then it is asked who had it (M9)."""
        for owner in owners:
            for unsubscribe in (False, True):
                entry = {"provider": FIREBASE, "subscription_id": token, "unsubscribe": unsubscribe}
                self.ask({"resource_token": "both", "subscriptions": [entry], "id": owner})
        entry = {"provider": FIREBASE, "subscription_id": token}
        self.ask({"resource_token": "both", "subscriptions": [entry]})

    @rule()
    def reset(self) -> None:
        self.emulator.workspaces.default.reset()
        self.plain.reset()

    # Ends and beginnings

    @rule()
    def restart(self) -> None:
        self.emulator.close()
        self.emulator = self.opened()

    @rule(torn=st.sampled_from([b"", b"0", b"deadbeef 9 [[", bytes(100)]))
    def crash(self, torn: bytes) -> None:
        left = self.copy_of_the_folder()
        if not any(left.glob("*.journal")):  # nothing was changed yet
            torn = b""
        if torn:
            with newest_journal(left).open("ab") as journal:
                journal.write(torn)
        self.go_on_from(left, len(torn))

    @rule()
    def finish_a_snapshot(self) -> None:
        self.snapshot_with(lambda: None)

    @rule(step=st.integers(0, 12), request=_requests)
    def crash_during_a_snapshot(self, step: int, request: dict[str, Any]) -> None:
        """The kill comes before the chunk with this number, after one more request."""
        left: list[Path] = []
        steps = iter(range(100))

        def interrupt() -> None:
            if next(steps) == step:
                self.ask(request)
                left.append(self.copy_of_the_folder())

        self.snapshot_with(interrupt)
        if left:
            self.go_on_from(left[0], 0)

    def snapshot_with(self, between: Callable[[], None]) -> None:
        write_chunks = snapshot.write_chunks
        problems: list[BaseException] = []

        def interrupted(header: Any, tables: Any) -> Any:
            for chunk in write_chunks(header, tables):
                try:
                    between()
                except BaseException as problem:  # would be lost in the snapshot's thread
                    problems.append(problem)
                yield chunk

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshot, "write_chunks", interrupted)
            patch.setattr(snapshot, "CHUNK", 2)
            storage = self.emulator.workspaces.default.store.storage
            storage.snapshot()
            thread = storage.files.thread if storage.files is not None else None
            if thread is not None:
                thread.join(BOUND_S)
                assert not thread.is_alive()
            assert storage.failure is None
        if problems:
            raise problems[0]

    def copy_of_the_folder(self) -> Path:
        self.lives += 1
        return Path(shutil.copytree(self.folder, self.root / f"life{self.lives}"))

    def go_on_from(self, folder: Path, torn_bytes: int) -> None:
        self.emulator.close()
        self.folder = folder
        self.emulator = self.opened()
        assert self.emulator.workspaces.default.store.storage.torn_bytes == torn_bytes

    # What must hold after each step

    @invariant()
    def the_states_agree(self) -> None:
        if not hasattr(self, "emulator"):
            return
        state = self.emulator.workspaces.default.store.storage.state
        assert profiles_of(state) == [(p["db_id"], p["id"], p["fields"]) for p in self.plain.profiles]
        records = subscriptions_of(state)
        assert {k: v[0] for k, v in records.items()} == {
            (*one["key"], one["profile_id"]): one["status"] for one in self.plain.subscriptions
        }
        for (*key, _), (_, hash_id) in records.items():
            assert self.plain.hash_of(tuple(key), hash_id) == hash_id
        check_indexes(state)

    @rule()
    def the_doctor_finds_nothing(self) -> None:
        left = self.copy_of_the_folder()
        assert all(one.findings == [] for one in examine(left))
        shutil.rmtree(left)


def _without_data(envelope: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in envelope.items() if name != "data"}


def profiles_of(state: State) -> list[tuple[int, str, dict[str, Any]]]:
    """The profiles, the oldest first."""
    documents = [json.loads(one) for _, one in sorted(state.table("profiles").documents.items())]
    return [(one["db_id"], one["id"], one["fields"]) for one in documents]


def subscriptions_of(state: State) -> dict[tuple[Any, ...], tuple[str, str]]:
    """Status and hash id by key and profile; no two records may have the same."""
    records = [json.loads(one) for one in state.table("subscriptions").documents.values()]
    names = ("db_id", "resource_id", "provider", "subscription_id", "profile_id")
    found = {tuple(one[name] for name in names): (one["status"], one["hash_id"]) for one in records}
    assert len(found) == len(records)
    return found


def newest_journal(folder: Path) -> Path:
    """The journal that takes the transactions."""
    return max(folder.glob("*.journal"), key=lambda path: int(path.name.split(".")[1]))


def test_the_emulator_and_a_plain_reading_of_the_rules_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    # The disk's own pace adds nothing here: other tests stop it at every moment.
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    monkeypatch.setattr(journal, "flush", lambda fd: None)
    run_state_machine_as_test(
        EmulatorMachine,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
