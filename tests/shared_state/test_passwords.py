"""What is said of a database says no password."""

from __future__ import annotations

import pytest

from emulator.postgres.connections import without_password


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://emulator:secret@host/db",
        "postgresql://emulator:sec/ret@host:5432/db?connect_timeout=3",
        "postgresql://emulator:s@cret@host/db",
        "postgresql://host/db?user=emulator&password=secret&sslmode=require",
        "postgresql:///db?PASSWORD=secret",
    ],
)
def test_a_password_is_shown_nowhere(url: str) -> None:
    shown = without_password(url)
    assert "ret" not in shown
    assert "…" in shown
    assert "db" in shown


def test_a_url_without_a_password_is_shown_as_it_is() -> None:
    assert without_password("postgresql://emulator@host/db?a=b") == "postgresql://emulator@host/db?a=b"
