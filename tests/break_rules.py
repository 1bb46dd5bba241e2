"""Breaks one rule after the other, and looks whether a test with that rule's name notices.

    python -m tests.break_rules [RULE…]

Each break is done in a copy of the project, where only the tests named ``test_RULE_…`` run: they must fail.
A break is a piece of source text and what stands there instead. One that does not fit the source any
more is reported: it wants to be written anew, as the rule was.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("emulator", "push_emulator", "fixtures", "tests", "run.py")
#: Where the tests of the rules are; of these only the last one starts a process.
TESTS = (
    "tests/rules",
    "tests/endpoint/test_exchange.py",
    "tests/web/test_push.py",
    "tests/web/test_cors.py",
    "tests/mobile/test_authorization.py",
    "tests/mobile/test_calls.py",
    "tests/mobile/test_transport.py",
    "tests/mobile/test_events.py",
)
PYTEST = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider")
AT_ONCE = 2
_FAILED = 1  # pytest's exit status when tests ran and some failed

APPLYING = "rules/applying.py"
ANSWER = "rules/answer.py"
CONTEXT = "rules/context.py"
CORS = "endpoint/cors.py"
DECIDE = "rules/decide.py"
ANSWERING = "endpoint/answering.py"
FIELDS = "rules/fields.py"
KEYS = "rules/keys.py"
MOBILE = "rules/mobile/"
CALLER = MOBILE + "caller.py"
CALLS = MOBILE + "calls.py"
WRITING = MOBILE + "writing.py"
EVENTS = "mobile/events.py"
LINTS = "rules/lints.py"
MATCHING = "rules/matching.py"
OVERRIDES = "rules/overrides.py"
PROVIDERS = "rules/providers.py"
REQUEST = "rules/request.py"
SCHEMA = "endpoint/schema.py"


class Break(NamedTuple):
    """In ``file`` of the package, ``right`` becomes ``wrong``; ``right`` stands there once."""

    rule: str
    file: str
    right: str
    wrong: str


class Verdict(NamedTuple):
    """Whether a test of the rule's name noticed the break; ``report`` says what happened instead."""

    broken: Break
    noticed: bool
    report: str


BREAKS = (
    Break("Q1", REQUEST, "if request.matching and request", "if request.matching is not None and request"),
    Break("Q1", REQUEST, "if asked:  # B2", "if asked is not None:  # B2"),
    Break("Q1", MATCHING, "if request.id:  # M2", "if request.id is not None:  # M2"),
    Break("Q1", SCHEMA, "id = string(allow_none=True)", "id = string()"),
    Break("Q2", "endpoint/call.py", ', "/api/v1.1/resources/push_subscribe")', ",)"),
    Break("Q2", "endpoint/call.py", 'for slash in ("", "/")', 'for slash in ("",)'),
    Break("Q3", ANSWERING, "call.lints.append(lint)", 'raise NotFound("Content-Type", "L2")'),
    Break("Q4", CORS, '("Access-Control-Allow-Origin", origin)', '("Access-Control-Allow-Origin", "*")'),
    Break("Q4", CORS, '("Access-Control-Allow-Credentials", "true"),', ""),
    Break("Q4", CORS, "if wanted:", "if False:"),
    Break("Q5", SCHEMA, "unknown = EXCLUDE  # Q5", 'unknown = "raise"'),
    Break("Q5", SCHEMA, "if strict:  # Q5", "if False:"),
    Break("B1", DECIDE, "lookup.fan_out(databases, len(request.subscriptions)):  # B1", "databases[::-1]:"),
    Break("B1", DECIDE, "lookup.fan_out(databases, len(request.subscriptions)):  # B1", "databases[:1]:"),
    Break("B2", REQUEST, "in every if db_id in filter_", "in asked"),
    Break("B2", REQUEST, "if asked:  # B2", "if False:  # B2"),
    Break("B3", REQUEST, "if not every:  # B3", "if False:"),
    Break("B3", REQUEST, 'if context.policies.no_databases == "ok":', "if False:"),
    Break("B3", REQUEST, "if not wanted:", "if False:"),
    Break("B4", REQUEST, 'NotFound("Resource not found", "B4")', 'Invalid("?", "B4")'),
    Break("M1", MATCHING, "if request.id:  # M2", "if request.id and request.matching:  # M2"),
    Break("M1", MATCHING, "return _by_push(context, database)", "return _create(context, database, {})"),
    Break("M2", MATCHING, "if request.id:  # M2", "if request.id and not request.matching:  # M2"),
    Break("M2", REQUEST, "if request.matching:  # M2", "if False:"),
    Break("M3", MATCHING, 'if request.matching == "custom":', "if False:"),
    Break("M3", REQUEST, "if not request.field_name:", "if False:"),
    Break("M3", REQUEST, "if request.field_value is None:", "if not request.field_value:"),
    Break("M4", OVERRIDES, '"matching error: unknown field"', '"unknown field"'),
    Break("M4", ANSWER, '{"db_id": db_id, "description"', '{"profile_id": "", "db_id": db_id, "description"'),
    Break("M5", OVERRIDES, '"matching error: invalid field value"', '"invalid field value"'),
    Break("M5", FIELDS, "elif not isinstance(value, bool):", "else:"),
    Break("M5", FIELDS, "int(value) if _INT.fullmatch(value) else None", "None"),
    Break("M5", FIELDS, "date.fromisoformat(_text(value, _DATE)).isoformat()", "_text(value)"),
    Break("M5", FIELDS, "value in field_type.options", "value"),
    Break("M6", MATCHING, "context.changes.profiles.append(profile)", "pass"),
    Break("M7", MATCHING, "database, {name: value})", "database, {})"),
    Break("M7", MATCHING, "database, {name: value})", "database, {name: given})"),
    Break("M8", MATCHING, 'if context.policies.unknown_id == "keep":', "if False:"),
    Break("M8", MATCHING, 'if context.policies.unknown_id == "keep":', "if True:"),
    Break("M8", REQUEST, "0 < len(text) <= MAX_ID_LENGTH and text.isprintable()", "True"),
    Break("M9", MATCHING, "return found[0]  # M9", "return found[-1]"),
    Break("M9", MATCHING, "if held.active is not None:", "if False:"),
    Break("M9", MATCHING, "[-1 if newest else 0]", "[0]"),
    Break("M9", MATCHING, 'if choice == "error":', "if False:"),
    Break("M10", REQUEST, "if request.matching and request.matching != \"profile_id\":  # M10", "if False:"),
    Break("M11", MATCHING, "enumerate(context.keys):  # M11", "enumerate(context.keys[:1]):"),
    Break("M11", MATCHING, "enumerate(context.keys):  # M11", "[*enumerate(context.keys)][::-1]:"),
    Break("S1", APPLYING, "context.changes.subscriptions.append(added)", "pass"),
    Break("S1", APPLYING, '(wanted, "added", added)', '(wanted, "unchanged", added)'),
    Break("S2", APPLYING, "context.changes.subscriptions.append(changed)", "pass"),
    Break("S2", APPLYING, "replace(own, status=status,", 'replace(own, status="subscribed",'),
    Break("S3", APPLYING, "(own is None and wanted.unsubscribe) or ", ""),
    Break("S3", APPLYING, "own is not None and own.status == status", "False"),
    Break("S3", ANSWER, 'if one.effect != "unchanged"]', "]"),
    Break("S4", APPLYING, 'if holder is not None and status == "subscribed":', "if False:"),
    Break("S4", APPLYING, 'if context.policies.duplicate_token == "error":', "if True:"),
    Break("S4", APPLYING, "subscriptions.append(replace(other,", "subscriptions.count(replace(other,"),
    Break("S5", APPLYING, "if at in context.repeated:", "if False:"),
    Break("S5", APPLYING, 'if context.policies.repeated_subscription == "unchanged":', "if False:"),
    Break("S5", REQUEST, "enumerate((one.provider, ", "enumerate((one.subscription_id, "),
    Break("S6", APPLYING, "if at in context.not_configured:", "if False:"),
    Break("S6", REQUEST, "if wanted.provider not in DOCUMENTED:", "if False:"),
    Break("S6", PROVIDERS, "(DOCUMENTED if resource.providers is None else resource.pro", "(resource.pro"),
    Break("S6", PROVIDERS, "DOCUMENTED if resource.providers is None else", "DOCUMENTED +"),
    Break("S7", ANSWER, "return items or [_bare_item(resource, profile)]", "return items"),
    Break("S7", DECIDE, 'if policies.unchanged_database == "nothing":', "if False:"),
    Break("A1", DECIDE, "Outcome(ALL_APPLIED, [],", "Outcome(NOT_ALL_APPLIED, [],"),
    Break("A1", ANSWER, 'SUCCESS = "Successful operation"', 'SUCCESS = "OK"'),
    Break("A1", ANSWER, '"error": error, "error_text": SUCCESS}', '"error_text": SUCCESS, "error": error}'),
    Break("A2", DECIDE, "if outcome.failed or (idle", "if (idle"),
    Break("A2", DECIDE, 'and policies.unchanged_error == "200"', ""),
    Break("A2", DECIDE, 'if "added" not in effects and "changed" not in effects:', "if False:"),
    Break("A3", ANSWER, '[], "error": code', '[], "error": 0'),
    Break("A3", ANSWERING, 'code if settings.policies.http_status == "mirror" else 200', "code"),
    Break("A3", ANSWERING, 'code if settings.policies.http_status == "mirror" else 200', "200"),
    Break("A4", ANSWERING, 'if incoming.method != "POST":', "if False:"),
    Break("A4", ANSWERING, "else nearest_path(endpoint)", "else None"),
    Break("A4", "app.py", "app.register_error_handler(Exception, _failure)", "pass"),
    Break("A5", KEYS, "HASH_DIGITS = 8", "HASH_DIGITS = 7"),
    Break("A5", KEYS, "while (found in made or taken(found))", "while False"),
    Break("A5", KEYS, "{key.db_id}/{key.resource_id}/", "{key.resource_id}/"),
    Break("A5", KEYS, "{len(key.provider)}:{key.provider}", "{key.provider}"),
    Break("A5", APPLYING, ", context.made)", ")"),
    Break("A5", APPLYING, "key, held.hash_id)", "key, None)"),
    Break("A6", ANSWERING, "store.apply(", "store.apply(outcome.changes), store.apply("),
    Break("A6", ANSWERING, "if outcome.changes:\n", "if True:\n"),
    Break("T1", MOBILE + "finding.py", "if claim is None or mode ==", "if claim is not None and mode =="),
    Break("T2", "mobile/authorization.py", "if isinstance(matching, str):", "if False:"),
    Break("T3", CALLER, "in (said, role_token)", "in (said,)"),
    Break("T4", "mobile/authorization.py", "if not keyed:  # T4", "if True:"),
    Break("T4", "mobile/authorization.py", "_check_times(payload, now_s)", "pass"),
    Break("T5", CALLER, "role.expires <= clock.timestamp()", "False"),
    Break("T6", CALLER, 'mode.removesuffix("_sub")', "mode"),
    Break("T6", MOBILE + "finding.py", "if not found and name == _PHONES:", "if False:"),
    Break("K1", "mobile/paths.py", 'endpoint.strip("/")', "endpoint[1:]"),
    Break("K2", "messages.py", "import unquote", "import unquote_plus as unquote"),
    Break("K3", "mobile/carrying_out.py", "else call.workspace.replays.find(key)", "else None"),
    Break("K3", "mobile/carrying_out.py", "_replay_key(call)) is None:  # K3", "None) is None:  # K3"),
    Break("K3", "mobile/carrying_out.py", "if first.body != _digest(call):", "if False:"),
    Break("K4", MOBILE + "requests.py", "time: int | float |", "time: int |"),
    Break("K5", "mobile/subscriptions.py", '"1": True, ', ""),
    Break("K6", "mobile/body.py", "unknown_parameters(list(_unknown_members(document, shape)))", "[]"),
    Break("K6", "mobile/carrying_out.py", "call.lints += unknown_parameters(", "len("),
    Break("Q5", "mobile/carrying_out.py", "call.workspace.settings.strict", "False"),
    Break("L8", "mobile/body.py", "lints_of_duplicates(body)", "[]"),
    Break("L8", EVENTS, "lints_of_duplicates(text.encode())", "[]"),
    Break("K10", CALLS, "if own is None else own.fields", ""),
    Break("K10", WRITING, "{**profile.fields, **read}", "profile.fields"),
    Break("K10", FIELDS, "found = _VERSION.match(text)", "found = _VERSION.fullmatch(text)"),
    Break("K10", WRITING, "read[name] = None if value is None else", "read[name] ="),
    Break("K10", MOBILE + "finding.py", "context.changes.profiles.append(profile)", "pass"),
    Break("K11", CALLS, "if request.replace:  # K11", "if False:"),
    Break("K12", "mobile/subscriptions.py", "profile if call.sync else None", "profile"),
    Break("K12", "mobile/subscriptions.py", "        if call.sync:\n", "        if True:\n"),
    Break("K13", CALLS, '"K13", "no_triggers")\n    return', '"K12", "no_triggers")\n    return'),
    Break("K14", WRITING, "if category.steady:", "if False:"),
    Break("K14", WRITING, "CategoryChoice(one.name, one.active)", "CategoryChoice(one.name, True)"),
    Break("K14", WRITING, "category.title, category.steady)", "one.name, category.steady)"),
    Break("K15", CALLS, "profile.id, sent.status, context.now", 'profile.id, "subscribed", context.now'),
    Break("K20", CALLS, "context.changes.moved.append", "(lambda it: None)"),
    Break("K20", CALLS, 'context.set_status(one, "unsubscribed", "K20")', "one"),
    Break("K30", CALLS, "wanted.subscription_id)\n", "wanted.subscription_id, (1,))\n"),
    Break("K30", CALLS, '"K30") if one.status in back', '"K30") if False'),
    Break("K30", CALLS, '= ("suspended", "subscribed",', '= ("subscribed", "suspended",'),
    Break("K30", CALLS, 'context.set_status(one, "suspended", "K30")', "pass"),
    Break("K40", "store/lookup.py", "in reversed(owned)", "in owned"),
    Break("K40", CALLS, "find_newest(profile, provider)", "find_newest(profile)"),
    Break("K40", CALLS, "find_held(profile, provider, subscription_id)", "subscriptions_of(profile)"),
    Break("K50", CALLS, "changed = write_fields(context, profile", "changed = (lambda *_: profile)(profile"),
    Break("K50", CALLS, 'sdk_unknown_profile == "error"', 'unknown_id == "error"'),
    Break("R1", "mobile/answers.py", '"error_text": ""', '"error_text": "Successful operation"'),
    Break("R1", CALLS, '"status": "subscribed",', '"status": "active",'),
    Break("R2", CALLER, "value = str(value)", "pass"),
    Break("R3", ANSWERING, "if call.mobile is not None:  # R3", "if False:"),
    Break("R4", MOBILE + "context.py", "Incorrect field", "incorrect"),
    Break("R4", WRITING, "raise incorrect_field(name)", "continue"),
    Break("R5", WRITING, "if category is None:  # R5", "if category is None and False:"),
    Break("R5", WRITING, "raise not_valid(name) from error", "continue"),
    Break("R6", MOBILE + "requests.py", "if provider not in SDK_PROVIDERS:", "if False:"),
    Break("E1", EVENTS, "request.smid.removesuffix(kind) or", ""),
    Break("E1", EVENTS, 'smid or ""))\n    call.events.append(event)\n', 'smid or ""))\n'),
    Break("E2", EVENTS, 'event.smid = _message(call, parts.get("mi", ""))', "pass"),
    Break("E2", EVENTS, '_object(call, "wd", parts), _object', "None, _object"),
    Break("E3", EVENTS, "    if claimed is not None:\n", "    if False:\n"),
    Break("E3", EVENTS, "        read_fields(context, fields or {})  # R4, R5\n", "        pass\n"),
    Break("E4", EVENTS, '3: ("delivery", "open")', '3: ("open",)'),
    Break("E4", EVENTS, "in_uid or request.provider", "request.provider"),
    Break("E4", EVENTS, "() if in_uid else (\"launch_id\"", "() if True else (\"launch_id\""),
    Break("E5", "endpoint/call.py", "call.workspace.events.record(event)", "pass"),
    Break("L1", LINTS, "near, path = nearest_name(name, known),", "near, path = None,"),
    Break("L2", LINTS, "== _JSON:", "in content_type:"),
    Break("L2", LINTS, 'partition(";")[0].', ""),
    Break("L3", PROVIDERS, "if shape is None or (shape.form", "if True or (shape.form"),
    Break("L3", PROVIDERS, "[0-9A-Fa-f]{64,}", "[0-9a-f]{64,}"),
    Break("L3", PROVIDERS, " and len(token) % shape.multiple == 0):", "):"),
    Break("L3", PROVIDERS, "if token.isascii() and ", "if "),
    Break("L3", PROVIDERS, " and len(token) % shape.multiple == 0:\n", ":\n"),
    Break("L4", REQUEST, "if foreign:  # L4", "if False:"),
    Break("L4", REQUEST, "in dict.fromkeys(asked) if", "in asked if"),
    Break("L5", REQUEST, " if request.id else None", " if False else None"),
    Break("L6", REQUEST, "return None if _OBJECT_ID.fullmatch(request.id) else", "return None if True else"),
    Break("L8", SCHEMA, "if body.count(b'\"') == _fewest_quotes(request):", "if True:"),
    Break("L8", SCHEMA, "count = 6\n", "count = 8\n"),
    Break("L9", DECIDE, "    context.lints += other_case_lints(context)\n", ""),
    Break("L9", CONTEXT, "if held.other_case is not None:", "if held.hash_id is not None:"),
    Break("L7", MATCHING, "if json_type_differs(", "if not json_type_differs("),
    Break("L7", FIELDS, "(isinstance(value, bool) and bool not in own)", "False"),
)  # fmt: skip


def tests_of(rule: str) -> list[str]:
    """The files among :data:`TESTS` with a test of that rule's name: the others need not be loaded."""
    files = [file for one in TESTS for file in sorted((ROOT / one).rglob("*.py")) or [ROOT / one]]
    return [str(file.relative_to(ROOT)) for file in files if f"test_{rule}_" in file.read_text("utf-8")]


def judge(broken: Break) -> Verdict:
    """Make the break in a copy of the project and run the tests of its rule there."""
    with tempfile.TemporaryDirectory(prefix="broken-") as place:
        copy = Path(place)
        for name in COPIED:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, copy / name)
        file = copy / "emulator" / broken.file
        source = file.read_text("utf-8")
        if source.count(broken.right) != 1:
            return Verdict(broken, False, f"the text stands there {source.count(broken.right)} times")
        file.write_text(source.replace(broken.right, broken.wrong), "utf-8")
        ran = subprocess.run(
            [*PYTEST, "-k", f"test_{broken.rule}_", *tests_of(broken.rule)],
            cwd=copy,
            # No plugin is needed, and some are slow to load.
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if ran.returncode == _FAILED and f"test_{broken.rule}_" in ran.stdout:
        return Verdict(broken, True, "")
    last = (ran.stdout + ran.stderr).strip().splitlines()[-1:]
    return Verdict(broken, False, f"pytest said: {''.join(last)}")


def judge_all(breaks: Iterable[Break]) -> list[Verdict]:
    """The verdicts, in the order of the breaks."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(judge, breaks))


def main(rules: Sequence[str]) -> int:
    """Print a line for each break of these rules (of all, without any); 1 if one was not noticed."""
    verdicts = judge_all(one for one in BREAKS if not rules or one.rule in rules)
    for broken, noticed, report in verdicts:
        word = "noticed" if noticed else "NOT NOTICED"
        print(f"{broken.rule:4}{word:12}{broken.file}: {broken.right!r} → {broken.wrong!r}")
        if report:
            print(f"    {report}")
    missed = sum(not verdict.noticed for verdict in verdicts)
    print(f"{len(verdicts)} breaks, {missed} not noticed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
