"""The import wizard: a file, its columns, a dry run, the import, the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.console.pages import Console

#: How a report begins, with the mark that spreadsheets look for and their delimiter.
REPORTS = {"en": "\ufeffwhat,count,line,", "ru": "\ufeffчто;количество;строка;"}


def choose(console: Console, file: Path, provider: str = "ios-apns") -> None:
    """The wizard's first step."""
    page = console.go("import")
    page.set_input_files("[name=file]", file)
    page.select_option("[name=provider]", provider)
    page.click("button.primary")


def map_columns(console: Console) -> None:
    """Its second step."""
    console.page.check("[name=by][value=field]")
    console.page.select_option("[name=value_column]", "number")
    console.page.select_option("[name=field]", "CustomNumber1")


@pytest.mark.parametrize(("language", "finished"), [("en", "finished"), ("ru", "завершён")])
def test_a_file_is_tried_and_then_imported(
    open_console: Callable[..., Console], csv_file: Path, language: str, finished: str
) -> None:
    console = open_console(language=language)
    choose(console, csv_file)
    page = console.page
    assert page.locator("#h-rows + div tbody tr").count() == 8
    assert page.input_value("[name=token_column]") == "token"
    map_columns(console)
    page.click("[name=dry_run]")
    page.wait_for_selector(f".heading >> text={finished}")
    assert console.admin("/subscriptions?provider=ios-apns")["total"] == 1

    page.click("button.primary")
    page.wait_for_selector(f".heading >> text={finished}")
    figures = [text.split("\n")[0] for text in page.locator(".figures li").all_inner_texts()]
    assert figures == ["31", "30", "0", "30", "0", "0", "1"]
    assert "no number" in page.inner_text("#h-refused + div")
    assert console.admin("/subscriptions?provider=ios-apns")["total"] == 31
    with page.expect_download() as download:
        page.click("[download]")
    report = download.value.path().read_text("utf-8")
    assert report.startswith(REPORTS[language])
    assert "matching error: invalid field value" in report


def test_tokens_of_another_provider_are_remarked_on_before_anything_starts(
    console: Console, csv_file: Path
) -> None:
    choose(console, csv_file, "android-firebase")

    assert "31 of 31 tokens do not look like android-firebase" in console.find(".note").inner_text()


@pytest.mark.parametrize("button", ["dry_run", "import"])
def test_what_is_odd_in_the_chosen_columns_is_counted_before_anything_is_written(
    open_console: Callable[..., Console], tmp_path: Path, button: str
) -> None:
    console = open_console(language="ru")
    table = tmp_path / "ids.csv"
    rows = [f"{n};7,{n % 2}E+11;{10**40 + n:064x}" for n in range(4)]
    table.write_text("\n".join(["number;client;token", *rows]) + "\n")
    choose(console, table)
    page = console.page
    page.check("[name=by][value=field]")
    page.select_option("[name=value_column]", "client")
    page.select_option("[name=field]", "nickname")
    page.click("[name=dry_run]" if button == "dry_run" else "form:has([name=dry_run]) button:not([name])")
    if button == "dry_run":
        page.wait_for_selector(".heading >> text=завершён")
    notes = " ".join(page.locator(".note").all_inner_texts())
    assert "2 из 4 значений поиска уже встречались в строках выше" in notes
    assert "4 из 4 значений поиска — числа, округлённые электронной таблицей" in notes
    assert console.admin("/subscriptions?provider=ios-apns")["total"] == 1
    page.click(".primary" if button == "dry_run" else "form:has([name=dry_run]) button:not([name])")
    page.wait_for_selector(".figures li:nth-child(4) b >> text=4")
    assert console.admin("/subscriptions?provider=ios-apns")["total"] == 5


def test_a_column_of_statuses_is_proposed_counted_and_imported(
    open_console: Callable[..., Console], tmp_path: Path
) -> None:
    console = open_console(language="ru")
    table = tmp_path / "statuses.csv"
    words = ("suspended", "Suspended", "", "subscribed")
    rows = [f"{10**40 + number:064x};{word}" for number, word in enumerate(words)]
    table.write_text("\n".join(["token;status", *rows]) + "\n")
    choose(console, table)
    page = console.page
    assert page.input_value("[name=status_column]") == "status"
    assert "подписан — 2, приостановлен — 2, отписан — 0" in console.find(".note").inner_text()
    page.click("[name=dry_run]")
    page.wait_for_selector(".heading >> text=завершён")
    page.click("button.primary")
    page.wait_for_selector(".figures li:nth-child(4) b >> text=4")
    assert "2 строк со статусом «приостановлен»" in " ".join(page.inner_text(".figures").split())
    assert console.admin("/subscriptions?provider=ios-apns&status=suspended")["total"] == 2


def test_what_was_found_of_the_file_can_be_corrected_and_stays_corrected(
    console: Console, tmp_path: Path
) -> None:
    table = tmp_path / "koi.csv"
    table.write_bytes("number;name;token\n100;Ян;t:1\n100;Ян;t:2\n".encode("koi8-r"))
    choose(console, table)
    page = console.page
    assert page.input_value("[name=encoding]") == "cp1251"
    assert page.input_value("[name=delimiter]") == "semicolon"
    page.select_option("[name=encoding]", "koi8-r")
    page.select_option("[name=header]", "no")
    page.click("text=Read again")
    page.wait_for_selector("td >> text=Ян")
    assert page.input_value("[name=encoding]") == "koi8-r"
    assert "number" in page.inner_text("#h-rows + div tbody tr:first-child")
    page.select_option("[name=token_column]", "#3")
    page.click("[name=dry_run]")
    page.wait_for_selector(".heading >> text=finished")
    assert "koi8-r" in page.inner_text(".facts")
    assert "semicolon" in page.inner_text(".facts")
    assert page.inner_text(".figures li:first-child b") == "3"
    page.click("button.primary")
    page.wait_for_selector(".figures li:nth-child(4) b >> text=3")
    assert "koi8-r" in page.inner_text(".facts")


def test_what_is_no_table_is_refused_with_the_reason(console: Console, tmp_path: Path) -> None:
    picture = tmp_path / "tokens.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(100)))
    choose(console, picture)

    assert "is not a text file" in console.page.inner_text("[role=alert]")
    console.allow_complaint("400")


def test_remarks_reasons_and_refusals_are_in_the_pages_language(
    open_console: Callable[..., Console], csv_file: Path, tmp_path: Path
) -> None:
    console = open_console(language="ru")
    choose(console, csv_file, "android-firebase")
    assert "31 из 31 токенов не похожи на android-firebase" in console.find(".note").inner_text()

    table = tmp_path / "rows.csv"
    table.write_text("profile,token\n1,\n1,2,3\n1,t:1\n")
    choose(console, table)
    console.page.click("[name=dry_run]")
    console.page.wait_for_selector("main:not(:has(progress)) #h-refused")
    reasons = console.page.inner_text("#h-refused + div")
    assert "токен пуст" in reasons
    assert "ячеек 3, а не 2" in reasons

    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    choose(console, empty)
    assert console.page.inner_text("[role=alert]") == "пуст"
    console.allow_complaint("400")


def test_a_hostile_file_is_only_text(console: Console, tmp_path: Path) -> None:
    file = tmp_path / "<img src=x onerror=alert(1)>.csv"
    file.write_text('<script>alert(1)</script>,token\n=cmd,"<b>bold</b>"\n' * 2)
    choose(console, file)

    assert "<script>alert(1)</script>" in console.text()
    assert console.page.locator("main script, main img, main td b").count() == 0
    console.page.click("[name=dry_run]")
    console.page.wait_for_selector(".heading >> text=finished")
    assert console.page.locator("main script, main img").count() == 0
