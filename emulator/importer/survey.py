"""The look at every row before the first is imported: remarks that a person should see in time."""

import re
from collections import Counter
from itertools import islice
from time import perf_counter

from emulator.importer.checking import Checked, check_plan
from emulator.importer.columns import read_status
from emulator.importer.plan import ImportPlan
from emulator.importer.problem import TEXTS, ImportRefused, SourceBroken
from emulator.importer.rows import BrokenRow, Rows
from emulator.importer.sources import Source
from emulator.importer.spoiled import IN_QUOTES, INVISIBLE_ENDS, WORDS
from emulator.loop.pacing import Steps
from emulator.rules.model import STATUSES, shortened
from emulator.rules.providers import token_complaint
from emulator.rules.texts import Message, Text, message
from emulator.store.tinydb_store import TinyDBStore

#: The values of a message.
Values = dict[str, str | int | Message]

_BLOCK_ROWS = 500
#: Rows that are looked at while a client waits, which takes some 50 ms.
FIRST_ROWS = 20_000
#: Among numbers of this many digits or more, a shorter one has lost zeros at its beginning.
_LONG_NUMBER = 8
#: The most repeated values that are counted one by one.
_COUNTED_VALUES = 1000
#: Characters around a token that was printed or copied with its neighbours.
_BEFORE, _BEHIND = "<([{,;", ">)]},;\\"
#: The order of the remarks on search values; the names are the groups below and the codes of the texts.
FORMS = ("rounded", "decimal", "date", "zeros", "word", "in_quotes")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек"
_DATES = (
    r"[0-9]{1,2}(?P<_>[./-])[0-9]{1,2}(?P=_)[0-9]{2,4}(?: [0-9:.]+)?",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00",
    rf"[0-9]{{1,2}}[-. ](?:{_MONTHS})[a-zа-я]*\.?(?:[-. ][0-9]{{2,4}})?",
    rf"(?:{_MONTHS})[a-zа-я]*[-. ][0-9]{{2,4}}",
)
#: Plain numbers, and an id that begins with digits, have none of the forms: most values are ruled out early.
_FORMS = re.compile(
    r"^[ \t]*(?![1-9][0-9]*$|[0-9]+[a-df-z])"
    r"(?:(?P<rounded>[+-]?[0-9](?:[.,][0-9]+)?e[+-]?[0-9]+)"
    r"|(?P<decimal>[+-]?[0-9]+(?:\.|,(?!000[ \t]*$))0+)"
    rf"|(?P<date>{'|'.join(_DATES)})|(?P<zeros>[+-]?0(?![0-9]{23}$)[0-9]+)|(?P<word>{'|'.join(sorted(WORDS))}|-)"
    rf"|(?P<in_quotes>{IN_QUOTES}))[ \t]*$",
    re.M | re.I,
)
#: The remarks in their order: on tokens, on search values, on rows.
_OF_TOKENS = ("odd_tokens", "spaced_tokens", "wrapped_tokens", "same_but_case")
_OF_VALUES = ("shared", *FORMS, "spaced_values", "hidden", "short")
_OF_ROWS = ("statuses", "odd_statuses", "mixed_encodings", "uneven_rows", "long_rows", "blank_rows")
#: The forms that mean nothing odd, by what the search value is to all the databases.
_AS_MEANT = {"float": {"rounded", "decimal"}, "int": {"in_quotes"}, "date": {"zeros"}, "datetime": {"zeros"}}


class Survey:
    """Counts what is odd, block by block; it needs some numbers in memory for each distinct token and value.

    Call :meth:`look` until it answers false; :meth:`lints` has the remarks on the rows seen so far.
    Raises :class:`OSError` if the file cannot be opened.
    """

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        layout = checked.layout
        self._rows = Rows(checked.source, layout.encoding, layout.dialect)
        self._width = layout.width
        self._status = checked.status
        if layout.names is not None:
            next(self._rows)
        self.rows = 0
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._first_lines: dict[str, int] = {}
        self._complaint = ""
        self._tokens: set[int] = set()
        self._tokens_in_lower_case: set[int] = set()
        self._values = _Repeated()
        self._digits: Counter[int] = Counter()
        self._broken: Text | None = None

    def look(self, seconds: float | None = None) -> bool:
        """Look at some rows, for about so long (``None``: at one block). False at the end of the file."""
        since = perf_counter()
        while True:
            read, found = 0, []
            try:
                for line, row in islice(self._rows, _BLOCK_ROWS):
                    read += 1
                    if len(row) == self._width:
                        found.append(row)
                        if self._status is not None:
                            self._take_status(line, row[self._status])
                        if self._rows.last_line > line:
                            self._first("long_rows", line)
                    else:
                        mixed = isinstance(row, BrokenRow) and row.undecoded
                        self._first("mixed_encodings" if mixed else "uneven_rows", line)
            except SourceBroken as error:
                self._broken = message("broken_after", line=self._rows.last_line, problem=error.text)
            self.rows += read
            self._take(found)
            if read < _BLOCK_ROWS:
                self._rows.close()
                return False
            if seconds is None or perf_counter() - since >= seconds:
                return True

    def close(self) -> None:
        """Close the file."""
        self._rows.close()

    def _first(self, code: str, line: int) -> None:
        self._counts[code] += 1
        self._first_lines.setdefault(code, line)

    def _take(self, rows: list[list[str]]) -> None:
        checked = self._checked
        self._take_tokens([row[checked.token] for row in rows if row[checked.token]])
        if checked.value is not None:
            self._take_values([row[checked.value] for row in rows if row[checked.value]])

    def _take_status(self, line: int, cell: str) -> None:
        status = read_status(cell)
        if status is None:
            self._first("odd_statuses", line)
            self._examples.setdefault("odd_statuses", shortened(cell))
        else:
            self._counts[status] += 1

    def _take_tokens(self, tokens: list[str]) -> None:
        provider = self._checked.plan.provider
        odd = [complaint for one in tokens if (complaint := token_complaint(provider, one))]
        self._complaint = self._complaint or next(iter(odd), "")
        self._counts["odd_tokens"] += len(odd)
        self._counts["tokens"] += len(tokens)
        self._counts["spaced_tokens"] += sum(one != one.strip() for one in tokens)
        for one in tokens:
            if one[0] in _BEFORE or one[-1] in _BEHIND:
                self._counts["wrapped_tokens"] += 1
                self._examples.setdefault("wrapped_tokens", shortened(one))
        self._tokens.update(map(hash, tokens))
        self._tokens_in_lower_case.update(map(hash, map(str.lower, tokens)))

    def _take_values(self, values: list[str]) -> None:
        counts, text = self._counts, "\n".join(values)
        counts["values"] += len(values)
        self._values.add(values)
        if "".join(values).isdecimal():
            self._digits.update(map(len, values))
        if " " in text or "\t" in text:
            counts["spaced_values"] += sum(one != one.strip(" \t") for one in values)
        if not text.isascii():
            counts["hidden"] += len({found.start() for found in INVISIBLE_ENDS.finditer(text)})
        for found in _FORMS.finditer(text):
            form = found.lastgroup or ""
            counts[form] += 1
            self._examples.setdefault(form, shortened(found[form]))

    def lints(self) -> list[Text]:
        """The remarks on the file: on its tokens, on its search values, on its rows."""
        checked, counts, kinds = self._checked, self._counts, self._checked.kinds
        value, most = self._values.most()
        fewer, digits = _shorter(self._digits)
        counts["same_but_case"] = len(self._tokens) - len(self._tokens_in_lower_case)
        counts["shared"], counts["short"], counts["blank_rows"] = self._values.again, fewer, self._rows.blank
        odd, complaint = counts["odd_tokens"], Message(self._complaint)
        more: dict[str, Values] = {
            "odd_tokens": {"odd": odd, "provider": checked.plan.provider, "complaint": complaint},  # L3
            "shared": {"example": value, "most": most},
            "short": {"digits": digits},
            "mixed_encodings": {"encoding": checked.layout.encoding},
            "uneven_rows": {"width": self._width},
        }
        lints: list[Text] = []
        for code in (*_OF_TOKENS, *_OF_VALUES, *_OF_ROWS):
            if code == "statuses" and self._status is not None:
                lints.append(message(code, **{name: counts[name] for name in STATUSES}))
            if not counts[code] or (code in FORMS and all(code in _AS_MEANT.get(kind, ()) for kind in kinds)):
                continue
            of_rows = counts["values"] if code in _OF_VALUES else self.rows
            every = counts["tokens"] if code in _OF_TOKENS else of_rows
            text = f"{code}_int" if kinds == {"int"} and f"{code}_int" in TEXTS else code
            example, line = self._examples.get(code, ""), self._first_lines.get(code, 0)
            values: Values = {"number": counts[code], "all": every, "example": example, "line": line}
            lints.append(Message(text, values | more.get(code, {})))
        return lints if self._broken is None else [*lints, self._broken]


def first_remarks(plan: ImportPlan, source: Source, store: TinyDBStore) -> Steps[list[Text]]:
    """The remarks on the first :data:`FIRST_ROWS` rows, for an answer that cannot wait for all; in steps.

    What is wrong with the plan is a remark too; the import itself refuses it.
    """
    try:
        checked = check_plan(plan, source, store)
    except ImportRefused as error:
        return [message("remark", path=one.path, problem=one.text) for one in error.problems]
    survey = Survey(checked)
    more = True
    while more and survey.rows < FIRST_ROWS:
        more = survey.look()
        yield
    survey.close()
    part = [message("first_rows", rows=survey.rows)] if more else []
    return [*checked.lints, *survey.lints(), *part]


class _Repeated:
    """Repeated values. ``again``: how many are in an earlier row too."""

    def __init__(self) -> None:
        self.again = 0
        self._seen: set[int] = set()
        self._times: Counter[str] = Counter()

    def add(self, values: list[str]) -> None:
        hashes = list(map(hash, values))
        fresh = set(hashes)
        if len(fresh) == len(hashes) and self._seen.isdisjoint(fresh):
            self._seen |= fresh
            return
        for value, number in zip(values, hashes, strict=True):
            if number not in self._seen:
                self._seen.add(number)
                continue
            self.again += 1
            if len(self._times) < _COUNTED_VALUES or value in self._times:
                self._times[value] += 1

    def most(self) -> tuple[str, int]:
        """The value in the most rows, and in how many it is."""
        value, again = next(iter(self._times.most_common(1)), ("", 0))
        return value, again + 1


def _shorter(digits: Counter[int]) -> tuple[int, int]:
    """How many numbers have fewer digits than most, and how many digits those have."""
    usual, times = next(iter(digits.most_common(1)), (0, 0))
    fewer = sum(number for length, number in digits.items() if length < usual)
    return (fewer if usual >= _LONG_NUMBER and times * 2 > digits.total() else 0), usual
