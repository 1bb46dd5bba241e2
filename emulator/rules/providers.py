"""Providers: the page's list (D), a resource's own (O), and what each one's token looks like (L3)."""

from __future__ import annotations

import re

from emulator.rules.model import Resource

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

_FIREBASE = (re.compile(r"(?=.{100})[^:]+:.+", re.S), 'contain ":" and have 100 characters or more')
_APNS = (re.compile(r"[0-9A-Fa-f]{64}"), "be 64 hex digits")
_DEVICE_ID = (re.compile(r"[0-9]+"), "be digits")
_UUID = (re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), "be a UUID")

_SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    "android-firebase": _FIREBASE,
    "ios-firebase": _FIREBASE,
    "ios-apns": _APNS,
    "yandex-Appmetrica-device-id-ios": _DEVICE_ID,
    "yandex-Appmetrica-device-id-android": _DEVICE_ID,
    "yandex-Appmetrica-ios-ifa": _UUID,
    "yandex-Appmetrica-google-aid": _UUID,
}


def known(provider: str, resource: Resource) -> bool:
    """Whether the page names the provider or the resource lists it (S6)."""
    return provider in DOCUMENTED or provider in (resource.providers or ())


def accepted(provider: str, resource: Resource) -> bool:
    """Whether the resource accepts the provider (S6); without a list of its own, the page's list."""
    return provider in (DOCUMENTED if resource.providers is None else resource.providers)


def token_complaint(provider: str, token: str) -> str | None:
    """What a token of this provider should do that this one does not (L3); ``None`` if it looks right."""
    shape = _SHAPES.get(provider)
    if shape is None or shape[0].fullmatch(token):
        return None
    return shape[1]
