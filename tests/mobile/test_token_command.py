"""``push-emulator token``: the JWT that an app's backend makes."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest

from tests.command_line import run_here
from tests.mobile import FIXTURES
from tests.mobile.conftest import Phone

KEY = json.loads((FIXTURES / "resources.json").read_text())[1]["jwt_key"]


def test_the_token_is_signed_with_the_resource_s_key_and_accepted(phone: Phone) -> None:
    ran = run_here("token", "--jwt", "--email", "anna@example.com", "--fixtures", FIXTURES)
    payload = jwt.decode(ran.stdout.strip(), KEY, algorithms=["HS256"])
    claim = {"db_id": 2, "matching": "email", "email": "anna@example.com"}
    assert json.loads(payload["matching"]) == claim
    assert phone.subscribe("t", f"Bearer {ran.stdout.strip()}")


def test_the_token_is_signed_with_the_key_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("another secret that is long enough\n")
    ran = run_here("token", "--jwt", "--field", "crm_id", "17", "--db-id", "7", "--key", tmp_path / "key")
    assert ran.stderr == ""
    payload = jwt.decode(ran.stdout.strip(), "another secret that is long enough", algorithms=["HS256"])
    assert json.loads(payload["matching"]) == {
        "db_id": 7,
        "matching": "custom",
        "field_name": "crm_id",
        "field_value": "17",
    }


def test_a_short_key_is_no_reason_to_warn(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")
    ran = run_here("token", "--jwt", "--email", "a@example.com", "--key", tmp_path / "key")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--jwt",), "say whom: --email, --phone, --profile-id or --field NAME VALUE"),
        (("--email", "a@example.com"), "Missing option '--jwt'."),
        (
            ("--jwt", "--email", "a@example.com", "--db-id", "99", "--fixtures", FIXTURES),
            "no resource of database 99",
        ),
    ],
)
def test_what_is_missing_is_said(arguments: tuple[str | Path, ...], text: str) -> None:
    ran = run_here("token", *arguments)
    assert (ran.returncode, text in ran.stderr) == (2, True), ran.stderr
