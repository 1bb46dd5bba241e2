"""Passwords: of the database, which is shown nowhere, and the token of the console."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.postgres.texts import without_password
from tests.command_line import assert_one_line, run_here
from tests.console.test_access import TOKEN, signed_in
from tests.shared_state import emulators


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://emulator:secret@host/db",
        "postgresql://emulator:sec/ret@host:5432/db?connect_timeout=3",
        "postgresql://emulator:s@cret@host/db",
        "postgresql://host/db?user=emulator&password=secret&sslmode=require",
        "postgresql:///db?PASSWORD=secret",
        "postgresql://emulator:se?c@ret@host/db",
        "postgresql://host/db?user=emulator&passwort=secret",
    ],
)
def test_a_password_is_shown_nowhere(url: str) -> None:
    shown = without_password(url)
    assert "ret" not in shown
    assert "…" in shown
    assert "db" in shown


def test_a_url_without_a_password_is_shown_as_it_is() -> None:
    assert without_password("postgresql://emulator@host/db?a=b") == "postgresql://emulator@host/db?a=b"


@pytest.mark.parametrize(
    ("password", "written"),
    [
        ("secr/et", "%2F"),
        ("p@secr?et", "%3F"),
        ("secr%zzet", "%25"),
        ("secr et", "%20"),
        ("123/secret", "%2F"),
    ],
)
def test_a_password_that_is_not_encoded_is_told_how_to_be(password: str, written: str) -> None:
    refused = run_here("serve", "--port", 0, "--state", f"postgresql://me:{password}@127.0.0.1:1/emulator")
    assert_one_line(refused, written)
    for part in ("secr", "et@", "zz", "123"):
        assert part not in refused.stderr


def test_another_admin_token_ends_all_sign_ins(database: str, tmp_path: Path) -> None:
    with emulators(tmp_path, database, 1, "--admin-token", TOKEN) as (one,):
        cookie = signed_in(one)
        one.kill()
        one.start()
        assert one.get("/__console/overview", Cookie=cookie).status == 200
        one.kill()
        one.arguments[one.arguments.index(TOKEN)] = "another-token"
        one.start()
        assert one.get("/__console/overview", Cookie=cookie).status == 302
