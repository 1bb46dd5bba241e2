"""The armed faults of a workspace, and the choice of the one that acts on a request."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from time import monotonic

from msgspec import Struct

from emulator.faults.model import Asked, Fault, FaultMatch, RateLimit
from emulator.faults.tokens import fault_of
from emulator.rules.fields import same_value
from emulator.rules.model import PushRequest


class FaultCounts(Struct, array_like=True):
    """How often each fault without ``times`` has acted, how much of each rate is left and since when, and
    the number of the last id."""

    fired: dict[str, int] = {}
    allowances: dict[str, tuple[float, float]] = {}
    made: int = 0


class ArmedFaults:
    """Faults in the order in which they were armed; the first that applies acts.

    With a ``seed``, chance (probability, random delays) is the same in every run. A change replaces the whole
    list (:meth:`replace`), because the list is stored first.
    """

    def __init__(self, seed: str | None = None, now: Callable[[], float] = monotonic) -> None:
        self._seed = seed
        self._now = now
        self._faults: dict[str, Fault] = {}
        self._allowances: dict[str, tuple[float, float]] = {}
        self._made = 0

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults.values()))

    def __len__(self) -> int:
        return len(self._faults)

    @property
    def acting(self) -> int:
        """How many faults can still act: those whose ``times`` are not used up."""
        return sum(fault.times != 0 for fault in self._faults.values())

    def get(self, fault_id: str) -> Fault | None:
        """The fault with this id."""
        return self._faults.get(fault_id)

    def has_armed(self, fault_id: str) -> bool:
        """Whether a fault with this id is armed, or was since the server started."""
        number = fault_id[1:]
        made = fault_id[:1] == "f" and number.isdecimal() and len(number) < 20 and int(number) <= self._made
        return fault_id in self._faults or made

    def new_id(self) -> str:
        """An id for a new fault; no other fault has had it since the server started."""
        self._made += 1
        while f"f{self._made}" in self._faults:  # one that was armed before a restart
            self._made += 1
        return f"f{self._made}"

    def replace(self, faults: Iterable[Fault]) -> None:
        """Make these the armed faults; an empty list restarts chance.

        Faults that stay keep their rate. A fault without ``times`` keeps its count, too, for the count is not
        stored each time that it fires.
        """
        before, self._faults = self._faults, {fault.id: fault for fault in faults}
        for fault in self:
            known = before.get(fault.id)
            if known is not None and fault.times is None:
                fault.fired = max(fault.fired, known.fired)
        for gone in before.keys() - self._faults.keys():
            self._allowances.pop(gone, None)
        if not self._faults:
            vars(self).pop("_chance", None)

    def find(self, request: PushRequest | Asked, with_token: bool) -> Fault | None:
        """The fault that acts on this request, if any; it is not counted yet.

        ``with_token``: the body may hold an ``emu!`` token, which takes precedence over armed faults.
        Raises :class:`~emulator.rules.errors.Refused` for a token with an unknown meaning.
        """
        if with_token:
            asked = fault_of(request)
            if asked is not None:
                return asked
        for fault in self._faults.values():
            if fault.times != 0 and _matches(fault, request) and self._strikes(fault):
                return fault
        return None

    def find_again(self, found: Fault, request: PushRequest | Asked, with_token: bool) -> Fault | None:
        """:meth:`find`, for a request that found this fault before: chance has decided.

        Other requests may have used it up meanwhile.
        """
        known = self._faults.get(found.id)
        if known is not None and known.times != 0 and _matches(known, request):
            return known
        return self.find(request, with_token)

    def begin_line(self, seed: str | None) -> None:
        """Restart the random draws from this seed."""
        self._seed = seed
        vars(self).pop("_chance", None)

    @property
    def counts(self) -> FaultCounts:
        """What has become of the faults since they were armed."""
        return FaultCounts(
            {fault.id: fault.fired for fault in self._faults.values() if fault.times is None},
            dict(self._allowances),
            self._made,
        )

    @counts.setter
    def counts(self, counts: FaultCounts) -> None:
        for fault_id, fired in counts.fired.items():
            if fault_id in self._faults:
                self._faults[fault_id].fired = fired
        self._allowances = dict(counts.allowances)
        self._made = counts.made

    @cached_property
    def _chance(self) -> random.Random:
        """Made on first use: it takes 2.5 KiB, and most workspaces need none."""
        return random.Random(self._seed)

    def delay_s(self, fault: Fault) -> float:
        """The fault's delay this time, in seconds."""
        if isinstance(fault.delay_ms, tuple):
            return self._chance.uniform(*fault.delay_ms) / 1000
        return fault.delay_ms / 1000

    def _strikes(self, fault: Fault) -> bool:
        if isinstance(fault.then, RateLimit):
            return not self._spend(fault.id, fault.then.per_second)
        return fault.probability >= 1 or self._chance.random() < fault.probability

    def _spend(self, fault_id: str, per_second: float) -> bool:
        """Take a token from the rate's bucket, which holds those of one second, and starts full."""
        now, most = self._now(), max(1.0, per_second)
        left, at = self._allowances.get(fault_id, (most, now))
        left = min(most, left + (now - at) * per_second)
        enough = left >= 1
        self._allowances[fault_id] = left - enough, now
        return enough


def _is_the_call(match: FaultMatch, request: PushRequest | Asked) -> bool:
    """Whether the criteria that are about SDKs' calls hold."""
    if isinstance(request, Asked):
        sent = (request.call, request.profile_id, request.event)
    else:
        sent = ("push_subscribe", request.id, None)
    wanted = (match.call, match.profile_id, match.event)
    return all(one is None or one == other for one, other in zip(wanted, sent, strict=True))


def _matches(fault: Fault, request: PushRequest | Asked) -> bool:
    match = fault.match
    if (match.call or match.profile_id or match.event) and not _is_the_call(match, request):
        return False
    if match.resource_token is not None and match.resource_token != request.resource_token:
        return False
    wanted, sent = match.field_value, request.field_value
    if wanted is not None and (sent is None or not same_value(wanted, sent)):
        return False
    if match.provider is None and match.subscription_id is None:
        return True
    return any(
        match.provider in (None, one.provider) and match.subscription_id in (None, one.subscription_id)
        for one in request.subscriptions
    )
