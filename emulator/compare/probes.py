"""The probes: what is sent to the platform to see which rules it follows, as data."""

from typing import Any, Literal

from msgspec import Struct

#: The beginning of every token and id that a probe makes up.
MARK = "emu-probe"
#: The origin of cross-origin calls; nobody has it.
ORIGIN = f"https://{MARK}.invalid"
#: Statuses that a probe takes for an answer of the platform's rules, where it names no others.
USUAL = (200, 400, 404, 405, 413, 415, 422)


class Probe(Struct, frozen=True, kw_only=True):
    """One request to the platform.

    ``rule``: what it asks about. ``creates``: what it leaves on the platform's side. ``meanings``: what each
    possible answer means. ``body``: the request without its resource token; ``$name`` stands for a token or
    an id made up for this run, ``$field``, ``$value`` and ``$other_provider`` for what the person gave.
    ``statuses``: those that are an answer; at another one of 401, 403 or 5xx the run stops. ``path`` comes
    after the address. ``prepares``: it only makes the next probe possible.
    ``other_answers``: a redirect, and what is no JSON, are an answer, too. ``needs``: what the person must
    have given.
    """

    rule: str
    asks: str
    meanings: tuple[str, ...]
    body: dict[str, Any] | str
    creates: str = "nothing"
    method: str = "POST"
    path: str = "/push_subscribe"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    statuses: tuple[int, ...] = USUAL
    prepares: bool = False
    compressed: bool = False
    other_answers: bool = False
    needs: Literal["", "field", "other_provider"] = ""


def _subscriptions(*names: str, provider: str = "$provider", **more: Any) -> dict[str, Any]:
    return {"subscriptions": [{"provider": provider, "subscription_id": name, **more} for name in names]}


def _by_field(value: str, *names: str) -> dict[str, Any]:
    return {"matching": "custom", "field_name": "$field", "field_value": value, **_subscriptions(*names)}


PROBES: tuple[Probe, ...] = (
    Probe(
        rule="M8",
        asks="an id that no profile has",
        creates="a profile with the subscription $a",
        meanings=("profile_id is the id: unknown_id keep", "profile_id is another: unknown_id new"),
        body={"id": "$one", **_subscriptions("$a")},
    ),
    Probe(
        rule="S7",
        asks="the same subscription again",
        meanings=("one bare item: unchanged_database bare_item", "no item: unchanged_database nothing"),
        body=_subscriptions("$a"),
    ),
    Probe(
        rule="Q1",
        asks='id "", matching "", db_ids [] and null',
        meanings=("carried out: they mean not given", "refused: they do not"),
        body={"id": "", "matching": "", "field_name": None, **_subscriptions("$a")},
    ),
    Probe(
        rule="Q2",
        asks="a slash at the end of the path",
        meanings=("carried out: it makes no difference", "404 or a redirect: it does"),
        body=_subscriptions("$a"),
        path="/push_subscribe/",
        other_answers=True,
    ),
    Probe(
        rule="Q3",
        asks="Content-Type text/plain",
        meanings=("carried out: any type will do", "refused: it must be application/json"),
        body=_subscriptions("$a"),
        headers=(("Content-Type", "text/plain"),),
    ),
    Probe(
        rule="Q4",
        asks="a preflight, as a browser sends it before a cross-origin call",
        meanings=(
            "2xx that allows this origin, credentials and Content-Type: browsers may call it",
            "anything else: they may not",
        ),
        body="",
        method="OPTIONS",
        headers=(
            ("Origin", ORIGIN),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        ),
        statuses=(*USUAL, 401, 403, 501),
    ),
    Probe(
        rule="Q4",
        asks="a cross-origin call",
        meanings=(
            "the headers allow this origin and credentials: a page may read the answer",
            "anything else: it may not",
        ),
        body=_subscriptions("$a"),
        headers=(("Content-Type", "application/json"), ("Origin", ORIGIN)),
    ),
    Probe(
        rule="Q5",
        asks="a parameter that nobody knows",
        meanings=("carried out: it is ignored", "refused: strict, its code and text are those of Q5"),
        body={"emu_probe": 1, **_subscriptions("$a")},
    ),
    Probe(
        rule="B4",
        asks="an unknown resource_token",
        meanings=("refused: its code and text are those of B4",),
        body={"resource_token": "$nobody", **_subscriptions("$a")},
        statuses=(*USUAL, 401, 403),
    ),
    Probe(
        rule="B3",
        asks="db_ids that leave no database",
        meanings=("refused: no_databases error", "no items: no_databases ok"),
        body={"db_ids": [2147483646], **_subscriptions("$a")},
    ),
    Probe(
        rule="M2",
        asks="matching profile_id without id",
        meanings=("refused: its code and text are those of M2", "carried out: as without matching"),
        body={"matching": "profile_id", **_subscriptions("$a")},
    ),
    Probe(
        rule="M3",
        asks="matching custom without field_value",
        meanings=("refused: its code and text are those of M3", "an error item: as M4 or M5"),
        body={"matching": "custom", "field_name": "emu_probe", **_subscriptions("$a")},
    ),
    Probe(
        rule="M4",
        asks="a field that no database declares",
        meanings=("error items: their text is that of M4",),
        body={"matching": "custom", "field_name": "emu_probe", "field_value": "1", **_subscriptions("$a")},
    ),
    Probe(
        rule="M8",
        asks="an id of more than 64 characters",
        creates="if the platform takes such an id: a profile that has it",
        meanings=("refused: its code and text are those of M8", "carried out: there is such a profile"),
        body={"id": "$long", **_subscriptions("$a", unsubscribe=True)},
    ),
    Probe(
        rule="M10",
        asks="a matching that nobody knows",
        meanings=("refused: its code and text are those of M10", "carried out: as without matching"),
        body={"matching": "emu_probe", **_subscriptions("$a")},
    ),
    Probe(
        rule="M7",
        asks="a field's value that no profile has",
        creates="a profile with $field = $value and the subscription $c, unless one has that value",
        meanings=("an item with a profile: found or created",),
        body=_by_field("$value", "$c"),
        needs="field",
    ),
    Probe(
        rule="M7",
        asks="the same value again",
        creates="the subscription $d on that profile",
        meanings=("the same profile: it got the value", "another profile: it did not"),
        body=_by_field("$value", "$d"),
        needs="field",
    ),
    Probe(
        rule="M5",
        asks="a value that is not of the field's type (a text; ask with a field that holds no text)",
        creates="if the field takes a text: a profile with this value and the subscription $e",
        meanings=("error items: their text is that of M5", "an item with a profile: the field takes it"),
        body={
            "matching": "custom",
            "field_name": "$field",
            "field_value": "$no_value",
            **_subscriptions("$e"),
        },
        needs="field",
    ),
    Probe(
        rule="M11",
        asks="two subscriptions, the second of which is known",
        creates="the subscription $b on the profile of $a",
        meanings=(
            "the profile of $a: the first known one decides",
            "a new profile: only the first is looked at",
        ),
        body=_subscriptions("$b", "$a"),
    ),
    Probe(
        rule="S4",
        asks="a token that is active on another profile",
        creates="a profile; the subscription $a may move there",
        meanings=("an error item: duplicate_token error", "an ok item: duplicate_token move"),
        body={"id": "$two", **_subscriptions("$a")},
    ),
    Probe(
        rule="S5",
        asks="one subscription twice in one request",
        creates="a profile with the subscription $f",
        meanings=("an error item: repeated_subscription error", "one item: repeated_subscription unchanged"),
        body={"id": "$three", **_subscriptions("$f", "$f")},
    ),
    Probe(
        rule="S6",
        asks="a provider that nobody knows",
        meanings=("refused: its code and text are those of S6", "an error item: its text is that of S6"),
        body=_subscriptions("$a", provider="emu-probe"),
    ),
    Probe(
        rule="S6",
        asks="a provider that the resource does not accept, by a known subscription",
        creates="if the resource accepts the provider: the subscription $h",
        meanings=("an error item: its text is that of S6", "an ok item: the resource accepts it"),
        body={
            "subscriptions": [
                *_subscriptions("$h", provider="$other_provider")["subscriptions"],
                *_subscriptions("$a")["subscriptions"],
            ]
        },
        needs="other_provider",
    ),
    Probe(
        rule="A6",
        prepares=True,
        asks="a right subscription and one without subscription_id",
        creates="nothing if the request is refused as a whole, else a profile with the subscription $g",
        meanings=("refused as a whole: the next probe shows whether a part of it was carried out",),
        body={
            "id": "$five",
            "subscriptions": [*_subscriptions("$g")["subscriptions"], {"provider": "$provider"}],
        },
    ),
    Probe(
        rule="A6",
        asks="the right one of them alone",
        creates="a profile with the subscription $g",
        meanings=(
            "an ok item: nothing of the refused request was carried out",
            "no such item: a part of it was",
        ),
        body={"id": "$five", **_subscriptions("$g")},
    ),
    Probe(
        rule="M9",
        prepares=True,
        asks="$f leaves its profile",
        meanings=("an ok item",),
        body=_subscriptions("$f", unsubscribe=True),
    ),
    Probe(
        rule="M9",
        prepares=True,
        asks="$f comes to another profile",
        creates="a profile with the subscription $f",
        meanings=("an ok item",),
        body={"id": "$four", **_subscriptions("$f")},
    ),
    Probe(
        rule="M9",
        asks="a token that one profile has, and one had",
        meanings=("the profile that has it: active beats inactive", "the other one: the oldest wins"),
        body=_subscriptions("$f"),
    ),
    Probe(
        rule="M9",
        prepares=True,
        asks="$f leaves that profile, too",
        meanings=("an ok item",),
        body=_subscriptions("$f", unsubscribe=True),
    ),
    Probe(
        rule="M9",
        asks="a token that two profiles had",
        creates="the subscription $f on one of the two profiles",
        meanings=(
            "the first of the two profiles: several_profiles oldest",
            "the second: several_profiles newest",
            "an error item: several_profiles error",
        ),
        body=_subscriptions("$f"),
    ),
    Probe(
        rule="A3",
        asks="a body that is no JSON",
        meanings=("refused: HTTP status, data, code and text are those of A3",),
        body=MARK,
    ),
    Probe(
        rule="A3",
        asks="a request without subscriptions",
        meanings=("refused: HTTP status, data, code and text are those of A3",),
        body={},
    ),
    Probe(
        rule="A3",
        asks="a body that is too large: 1 MiB of x in a parameter that nobody knows",
        meanings=(
            "413 in the envelope: its code and text are those of A3/size",
            "carried out: it may be larger",
        ),
        body={"emu_probe": "$large", **_subscriptions("$a")},
        other_answers=True,
    ),
    Probe(
        rule="A3",
        asks="a body compressed with gzip",
        meanings=("refused: its code and text are those of A3/encoding", "carried out: it is read"),
        body=_subscriptions("$a"),
        headers=(("Content-Type", "application/json"), ("Content-Encoding", "gzip")),
        compressed=True,
        other_answers=True,
    ),
    Probe(
        rule="A4",
        asks="an unknown path",
        meanings=("404 in the envelope: as A4/path", "anything else: no envelope there"),
        body=_subscriptions("$a"),
        path=f"/push_subscribe/{MARK}",
        statuses=(*USUAL, 401, 403),
        other_answers=True,
    ),
    Probe(
        rule="A4",
        asks="GET in place of POST",
        meanings=("405 in the envelope: as A4", "anything else: no envelope there"),
        body="",
        method="GET",
        statuses=(*USUAL, 401, 403),
        other_answers=True,
    ),
)
