"""Providers: the documented ones (D), a resource's own (O), and the form of each one's tokens (L3)."""

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
    """Whether the documentation or the resource names the provider (S6)."""
    return provider in DOCUMENTED or provider in (resource.providers or ())


def accepted(provider: str, resource: Resource) -> bool:
    """Whether the resource accepts the provider (S6); without a list of its own, the documented ones."""
    return provider in (DOCUMENTED if resource.providers is None else resource.providers)


def token_complaint(provider: str, token: str) -> str | None:
    """What is wrong with the form of a provider's token, as "should …" (L3); ``None`` if nothing."""
    shape = _SHAPES.get(provider)
    if shape is None or shape[0].fullmatch(token):
        return None
    return shape[1]
