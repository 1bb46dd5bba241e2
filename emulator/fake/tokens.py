"""Made-up push tokens that look like their provider's own, never the same one twice."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from random import Random

# Serial numbers walk through all numbers of 19 digits in leaps: the step shares no factor with the
# span, so none comes back before all were used, and neighbours look nothing alike.
_SPAN = 9 * 10**18
_STEP = 5_562_305_898_749_054_597
_LOWEST = 10**18


class TokenSource:
    """An endless source of tokens in the shapes that lint L3 expects.

    Each token carries a serial number of its own, so two tokens of one source differ with certainty,
    without remembering those already given. Equal states of ``random`` give equal tokens.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._serial = random.getrandbits(64) % _SPAN
        self._makers: dict[str, Callable[[], str]] = {
            "android-firebase": self._firebase,
            "ios-firebase": self._firebase,
            "chrome-firebase": self._firebase,
            "firefox-firebase": self._firebase,
            "ios-apns": self._apns,
            "android-huawei": self._huawei,
            "ios-huawei": self._huawei,
            "android-rustore": self._rustore,
            "yandex-Appmetrica-device-id-ios": self._device_id,
            "yandex-Appmetrica-device-id-android": self._device_id,
            "yandex-Appmetrica-ios-ifa": self._advertising_id_of_apple,
            "yandex-Appmetrica-google-aid": self._advertising_id_of_google,
            "yandex-Appmetrica-android-token": self._firebase,
            "yandex-Appmetrica-ios-token": self._apns,
        }

    @property
    def providers(self) -> list[str]:
        """The providers that this source can make tokens for."""
        return list(self._makers)

    def token(self, provider: str) -> str:
        """A token that this source has not given before; KeyError for a provider it does not know."""
        return self._makers[provider]()

    def _next_serial(self) -> int:
        self._serial = (self._serial + _STEP) % _SPAN
        return _LOWEST + self._serial

    def _bytes(self, length: int) -> bytes:
        return self._next_serial().to_bytes(8, "big") + self._random.randbytes(length - 8)

    def _firebase(self) -> str:
        # An installation id begins with the bits 0111: one of c, d, e, f in base64.
        text = urlsafe_b64encode(self._bytes(117)).decode("ascii")
        return f"{'cdef'[self._random.getrandbits(2)]}{text[:21]}:APA91b{text[21:155]}"

    def _apns(self) -> str:
        return self._bytes(32).hex()

    def _huawei(self) -> str:
        return "IQAAAACy" + urlsafe_b64encode(self._bytes(93)).decode("ascii")

    def _rustore(self) -> str:
        return urlsafe_b64encode(self._bytes(114)).decode("ascii")

    def _device_id(self) -> str:
        return str(self._next_serial())

    def _advertising_id_of_apple(self) -> str:
        return self._uuid4().upper()

    def _advertising_id_of_google(self) -> str:
        return self._uuid4()

    def _uuid4(self) -> str:
        digits = self._bytes(16).hex()
        variant = "89ab"[self._random.getrandbits(2)]
        # The fixed digits are inserted, not written over the serial number's.
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:30]}"
