"""Providers: the documented ones (D), a resource's own (O), and the form of each one's tokens (L3)."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from emulator.rules.model import Parameters, Resource

DOCUMENTED = (
    "android-firebase",
    "ios-firebase",
    "ios-apns",
    "yandex-Appmetrica-device-id-ios",
    "yandex-Appmetrica-device-id-android",
    "yandex-Appmetrica-ios-ifa",
    "yandex-Appmetrica-google-aid",
    "yandex-Appmetrica-android-token",
    "yandex-Appmetrica-ios-token",
    "android-huawei",
    "ios-huawei",
)


#: The longest name that is compared with the documented ones, and the most letters that are wrong in it.
_LONGEST_NAME, _MOST_SLIPS = 64, 2


class _Shape(NamedTuple):
    """The form of a token, as "should …"; what its length is a multiple of.

    ``plain``: the form of most tokens, with nothing before, inside or after them.
    """

    form: re.Pattern[str]
    words: str
    plain: re.Pattern[str]
    multiple: int = 1


def _shape(form: str, words: str, plain: str = "", multiple: int = 1) -> _Shape:
    return _Shape(re.compile(form, re.S), words, re.compile(plain or form, re.S), multiple)


_FIREBASE = _shape(
    r"(?=.{100})[^:]+:.+",
    'contain ":" and have 100 characters or more',
    plain=r"(?=.{100})[\w-][^:]*:.*[\w=-]",
)
_APNS = _shape(r"[0-9A-Fa-f]{64,}", "be an even number of hex digits, 64 or more", multiple=2)
_DEVICE_ID = _shape(r"[0-9]+", "be digits")
_UUID = _shape(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "be a UUID")

_SHAPES: dict[str, _Shape] = {
    "android-firebase": _FIREBASE,
    "ios-firebase": _FIREBASE,
    "ios-apns": _APNS,
    "yandex-Appmetrica-device-id-ios": _DEVICE_ID,
    "yandex-Appmetrica-device-id-android": _DEVICE_ID,
    "yandex-Appmetrica-ios-ifa": _UUID,
    "yandex-Appmetrica-google-aid": _UUID,
}

#: Quotes of every kind, for a class of a regular expression.
QUOTES = "\"'`\u00ab\u00bb\u2018-\u201f\u2039\u203a"
_RARE_LINE_ENDS = "\x85\u2028\u2029"
_RARE_SPACES = "\x0b\x0c\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_HIDDEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef"
)
#: Characters that nobody sees or types in a table, for such a class.
INVISIBLE = _HIDDEN + _RARE_LINE_ENDS + _RARE_SPACES
#: What is found around tokens that were printed, quoted or copied.
_CHARACTERS = {
    "quotes": QUOTES,
    "angle brackets": "<>",
    "brackets": "()\\[\\]",
    "commas or semicolons": ",;",
    "backslashes": r"\\",
    "line ends": "\n\r" + _RARE_LINE_ENDS,
    "spaces": "\t " + _RARE_SPACES,
    "invisible characters": _HIDDEN,
}
_KINDS = {word: re.compile(f"[{characters}]").search for word, characters in _CHARACTERS.items()}
#: The words for it.
AROUND = tuple(_CHARACTERS)
_INSIDE = ("line ends", "spaces", "invisible characters")
_EDGE = re.compile(f"[{''.join(_CHARACTERS.values())}]*")
#: A longer token is not looked at in detail.
_LONGEST = 4096
#: What NSData and Data print, some bytes of it left out where there are dots.
_PRINTED_DATA = re.compile(
    r"(\{length ?= ?[0-9]+, ?bytes ?= ?0x)?[0-9A-Fa-f]{8}([ .…]+[0-9A-Fa-f]{2,8})+[ }]*"
)
_HEX = re.compile("[0-9A-Fa-f]+")
#: A token of such characters alone has nothing around it.
_BARE = re.compile(r"[A-Za-z0-9_:./+=-]+")


def accepted(provider: str, resource: Resource) -> bool:
    """Whether the resource accepts the provider (S6); without a list of its own, the documented ones."""
    return provider in (DOCUMENTED if resource.providers is None else resource.providers)


def misspelt_provider(name: str) -> str | None:
    """The documented provider that an unknown name means: other case or marks, up to two letters wrong."""
    if name in DOCUMENTED or len(name) > _LONGEST_NAME:
        return None
    plain = _plain_name(name)
    return next((one for one, other in _PLAIN_NAMES.items() if _is_a_slip(plain, other)), None)


def _plain_name(name: str) -> str:
    return "-".join(re.split(r"[\W_]+", name.strip().lower()))


#: The documented providers as they are compared.
_PLAIN_NAMES = {one: _plain_name(one) for one in DOCUMENTED}


def _is_a_slip(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > _MOST_SLIPS:
        return False
    same = sum(block.size for block in SequenceMatcher(None, one, other).get_matching_blocks())
    # A letter in place of another is one too many in both.
    return len(one) + len(other) - 2 * same <= 2 * _MOST_SLIPS


def token_complaint(provider: str, token: str) -> str | None:
    """What is wrong with the form of a provider's token, as "should …" (L3); ``None`` if nothing."""
    shape = _SHAPES.get(provider)
    if shape is None or (shape.form.fullmatch(token) and len(token) % shape.multiple == 0):
        return None
    return shape.words


def token_remarks(provider: str, token: str) -> Sequence[tuple[str, Parameters]]:
    """What is wrong with a provider's token, not empty, as codes of notes and their parameters (L3)."""
    shape = _SHAPES.get(provider)
    if token.isascii() and " " not in token and "\n" not in token:  # most are right, and take no second look
        if shape is None:
            if token[0].isalnum() and token[-1].isalnum():
                return ()
        elif shape.plain.fullmatch(token) and len(token) % shape.multiple == 0:
            return ()
    plain = len(token) > _LONGEST or _BARE.fullmatch(token)
    remarks, bare = ([], token) if plain else _unwrapped(provider, token)
    complaint = token_complaint(provider, bare)
    if complaint is not None:
        remarks.append(("token_form", (provider, complaint)))
    return remarks


def _unwrapped(provider: str, token: str) -> tuple[list[tuple[str, Parameters]], str]:
    """Remarks on what does not belong to the token but was sent with it, and the token without that."""
    bare, around = _stripped(token)
    if _PRINTED_DATA.fullmatch(bare):
        return [("printed_data", ())], "".join(_HEX.findall(bare.rpartition("x")[2]))
    remarks: list[tuple[str, Parameters]] = []
    words = [word for word, search in _KINDS.items() if search(around)]
    if bare.startswith("Optional("):  # what Swift prints
        bare, words = _stripped(bare.removeprefix("Optional("))[0], ["Optional(…)"]
    if words:
        remarks.append((f"around_{min(len(words), 3)}", tuple(words[:3])))
    inside = next((word for word in _INSIDE if _KINDS[word](bare)), None)
    if inside is not None and provider in _SHAPES:
        remarks.append(("inside", (inside,)))
    return remarks, bare


def _stripped(token: str) -> tuple[str, str]:
    """The token without what stands around it, and that."""
    before = _EDGE.match(token)
    behind = _EDGE.match(token[::-1])
    start, end = (0 if edge is None else edge.end() for edge in (before, behind))
    if start == len(token):
        return "", token
    stop = len(token) - end
    return token[start:stop], token[:start] + token[stop:]
