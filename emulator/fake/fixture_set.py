"""A fixture set of made-up people, as ``run.py fake`` writes it: two databases, three resources, profiles."""

import difflib
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from faker import Factory
from faker.config import AVAILABLE_LOCALES

from emulator.fake.profiles import (
    CLUB,
    DATABASES,
    FIRST_SECOND,
    LAST_SECOND,
    MAIN,
    SDK_MEMBERS,
    Entry,
    PushProfiles,
)
from emulator.rules.providers import DOCUMENTED
from emulator.store.files import NotWritten, write_arrays

#: As in resources.json; without ``providers`` one accepts those that the page names.
RESOURCES: list[Entry] = [
    {"id": 1, "name": "App", "token": "fake-app-1", "db_ids": [MAIN, CLUB], **SDK_MEMBERS},
    {
        "id": 2,
        "name": "Club app",
        "token": "fake-app-2",
        "db_ids": [CLUB],
        "providers": ["android-firebase", "android-huawei", "android-rustore", "ios-apns"],
    },
    {
        "id": 3,
        "name": "Site",
        "token": "fake-site-3",
        "db_ids": [MAIN],
        "providers": ["chrome-firebase", "firefox-firebase", "android-rustore"],
    },
]

# How often a provider comes up beside the others; 3 for those that are not here.
_FREQUENCY = {
    "android-firebase": 30,
    "ios-apns": 22,
    "ios-firebase": 8,
    "android-huawei": 8,
    "android-rustore": 6,
    "chrome-firebase": 5,
    "ios-huawei": 1,
}


def write_fixture_set(
    out: Path, profiles: int, locale: str, seed: int | None, one_each: bool = False
) -> Counter[str]:
    """Write databases.json, resources.json and profiles.json of made-up people into ``out``.

    ``out`` is made if it is missing, and must be empty. ``locale`` is one of Faker's, such as ``ru_RU``.
    The same ``seed`` gives the same bytes on any day and machine (with the same release of Faker); None
    gives other people each time. ``one_each`` makes small profiles of one kind, for measurements: a
    customer number and an email, one active subscription. Profiles are written as they are made, one a
    line, so memory does not grow with their number. Answers how many subscriptions each provider has.

    Raises :class:`NotWritten`; then nothing of the set is left behind.
    """
    name = locale.replace("-", "_")
    # Faker itself also takes what Python's locale module can complete, which differs between releases.
    if name not in AVAILABLE_LOCALES:
        near = difflib.get_close_matches(name, sorted(AVAILABLE_LOCALES), cutoff=0.5) or ["ru_RU", "en_US"]
        raise NotWritten(f'unknown locale "{locale}": try {" or ".join(near)}')
    generator = Factory.create(name, use_weighting=False)  # weights would take most of the time
    generator.seed_instance(None if seed is None else f"fake {seed}")
    counts: Counter[str] = Counter()

    def counted() -> Iterator[Entry]:
        for entry in made_up_profiles(PushProfiles(generator), profiles, one_each):
            counts.update(each["provider"] for each in entry["subscriptions"])
            yield entry

    files = {"profiles.json": counted(), "resources.json": RESOURCES, "databases.json": DATABASES}
    write_arrays(out, files)
    return counts


def made_up_profiles(people: PushProfiles, total: int, one_each: bool) -> Iterator[Entry]:
    """``total`` entries of profiles.json, in the order of registration.

    Each has 0 to 3 subscriptions, or all are small and have one. The first subscriptions show every
    provider of every resource; chance deals the others.
    """
    channels: dict[int, list[tuple[int, str]]] = {MAIN: [], CLUB: []}
    for resource in RESOURCES:
        for db_id in resource["db_ids"]:
            for provider in resource.get("providers", DOCUMENTED):
                channels[db_id] += [(resource["id"], provider)] * _FREQUENCY.get(provider, 3)
    unused = {db_id: list(dict.fromkeys(those)) for db_id, those in channels.items()}
    numbers = {db_id: count(100_001) for db_id in channels}
    for n in range(total):
        db_id = people.random_element((MAIN, MAIN, MAIN, CLUB, CLUB))
        number, registered = next(numbers[db_id]), FIRST_SECOND + n * (LAST_SECOND - FIRST_SECOND) // total
        subscriptions = []
        for _ in range(1 if one_each else people.random_element((0, 1, 1, 1, 1, 1, 1, 2, 2, 3))):
            channel = unused[db_id].pop() if unused[db_id] else people.random_element(channels[db_id])
            subscriptions.append(people.push_subscription(*channel, active=one_each or None))
        if one_each:
            profile_id = people.object_id(registered)
            fields = {"CustomNumber1": number, "email": f"user.{number}@example.org"}
            yield {"id": profile_id, "db_id": db_id, "fields": fields, "subscriptions": subscriptions}
        else:
            yield people.push_profile(db_id, number, registered, subscriptions)
