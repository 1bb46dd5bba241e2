"""A Faker provider of push tokens that look like their provider's own."""

from __future__ import annotations

from base64 import urlsafe_b64encode

from faker.providers import BaseProvider


class PushTokens(BaseProvider):
    """Tokens in the shapes that lint L3 expects: ``faker.add_provider(PushTokens)``."""

    def push_token(self, provider: str | None = None) -> str:
        """A token of ``provider``, without one of any; KeyError for a provider that has no form here."""
        return TOKEN_FORMS[provider or self.push_provider()](self)

    def push_provider(self) -> str:
        """The name of a provider, one of TOKEN_FORMS."""
        return self.random_element(tuple(TOKEN_FORMS))

    def firebase_token(self) -> str:
        """An installation id, a colon, ``APA91b`` and 134 characters more."""
        text = self._base64(117)
        # An installation id begins with the bits 0111: one of c, d, e, f in base64.
        return f"{self.random_element('cdef')}{text[:21]}:APA91b{text[21:155]}"

    def apns_token(self) -> str:
        """64 hex digits."""
        return self._bytes(32).hex()

    def huawei_token(self) -> str:
        """132 characters that begin as Huawei's do."""
        return f"IQAAAACy{self._base64(93)}"

    def rustore_token(self) -> str:
        """152 characters."""
        return self._base64(114)

    def appmetrica_device_id(self) -> str:
        """19 digits."""
        return f"{self.random_int(10**18, 10**19 - 1)}"

    def apple_advertising_id(self) -> str:
        """A UUID in upper case."""
        return self.google_advertising_id().upper()

    def google_advertising_id(self) -> str:
        """A UUID in lower case."""
        return f"{self.generator.uuid4()}"

    def _bytes(self, length: int) -> bytes:
        made: bytes = self.generator.binary(length)
        return made

    def _base64(self, length: int) -> str:
        return urlsafe_b64encode(self._bytes(length)).decode("ascii")


#: Provider → the method that makes its tokens.
TOKEN_FORMS = {
    "android-firebase": PushTokens.firebase_token,
    "ios-firebase": PushTokens.firebase_token,
    "chrome-firebase": PushTokens.firebase_token,
    "firefox-firebase": PushTokens.firebase_token,
    "ios-apns": PushTokens.apns_token,
    "android-huawei": PushTokens.huawei_token,
    "ios-huawei": PushTokens.huawei_token,
    "android-rustore": PushTokens.rustore_token,
    "yandex-Appmetrica-device-id-ios": PushTokens.appmetrica_device_id,
    "yandex-Appmetrica-device-id-android": PushTokens.appmetrica_device_id,
    "yandex-Appmetrica-ios-ifa": PushTokens.apple_advertising_id,
    "yandex-Appmetrica-google-aid": PushTokens.google_advertising_id,
    "yandex-Appmetrica-android-token": PushTokens.firebase_token,
    "yandex-Appmetrica-ios-token": PushTokens.apns_token,
}
