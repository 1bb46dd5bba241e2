"""The mixes of requests, each as a script for wrk."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import orjson

from benchmarks.load import RESULT_MARK
from benchmarks.stored import FIELD, ONE_DATABASE, TWO_DATABASES, Known, firebase_token

# Each thread of wrk has its own Lua state; `number` tells them apart. A fresh token is the script's own
# nonce, the thread's number and a counter, which makes it unique, and one of many random tails, which makes
# it look real.
#
# Known profiles are visited block by block, each thread its own share: a block is gone through twice, first
# with `again` false, then true, so that what the first pass unsubscribes the second subscribes again, and a
# load leaves almost everything as it found it. A block is much longer than the number of connections, so that
# the two requests for one token never meet.
_COMMON = """
local threads = {}
function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

local tails = {%(tails)s}
local counter = 0
function fresh_token()
  counter = counter + 1
  return string.format("%(nonce)s%%02d%%010d", number, counter) .. tails[counter %% #tails + 1]
end

local known = {}
for line in io.lines("%(known_file)s") do
  local value, token = line:match("(%%d+) (.+)")
  known[#known + 1] = {value, token}
end
local step, block = -1, 256
function next_known()
  local share = math.floor(#known / %(threads)d)
  step = step + 1
  local place = math.floor(step / (2 * block)) * block + step %% block
  local one = known[number * share + place %% share + 1]
  return one[1], one[2], step %% (2 * block) >= block
end

%(check)s
function done(summary, latency, requests)
  local e, unexpected = summary.errors, 0
  for _, thread in ipairs(threads) do unexpected = unexpected + (thread:get("unexpected") or 0) end
  print(string.format('%(mark)s{"requests": %%d, "duration_us": %%d, "p50_us": %%d, "p99_us": %%d, ' ..
    '"p999_us": %%d, "max_us": %%d, "unexpected": %%d, ' ..
    '"errors": {"connect": %%d, "read": %%d, "write": %%d, "status": %%d, "timeout": %%d}}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), latency.max, unexpected, e.connect, e.read, e.write, e.status, e.timeout))
end

%(headers)s
function request()
  %(request)s
end
"""

# Looking at each answer slows wrk down, so only warm-ups do it.
_CHECK = """
unexpected = 0
function response(status, headers, body)
  if body:match('"error":%%s*(%%d+)') ~= "%(error)d" then unexpected = unexpected + 1 end
end
"""

_PUSH = (
    'return wrk.format("POST", "/push_subscribe", nil, \'{"resource_token":"%s",%s"subscriptions":'
    '[{"provider":"android-firebase","subscription_id":"\' .. token .. \'"%s}]}\')'
)
_UNSUBSCRIBE_FIRST = ",\"unsubscribe\":' .. (again and 'false' or 'true') .. '"
_BY_FIELD = f'"matching":"custom","field_name":"{FIELD}","field_value":\' .. value .. \','
_FRESH = "local token = fresh_token() "
_KNOWN = "local value, token, again = next_known() "
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Mix:
    """One kind of request.

    ``request``: the body of the Lua function that makes it. ``creates``: how many profiles each request adds.
    ``error``: the ``error`` code that each answer of the emulator must have. ``known``: whether it comes back
    to known profiles.
    """

    name: str
    title: str
    request: str
    creates: int = 0
    error: int = 0
    known: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)


NEW_TOKEN = Mix("new", "new token", _FRESH + _PUSH % (ONE_DATABASE, "", ""), creates=1)
MIXES: tuple[Mix, ...] = (
    NEW_TOKEN,
    Mix("unchanged", "unchanged", _KNOWN + _PUSH % (ONE_DATABASE, "", ""), error=200, known=True),
    Mix(
        "alternate",
        "unsubscribe, subscribe",
        _KNOWN + _PUSH % (ONE_DATABASE, "", _UNSUBSCRIBE_FIRST),
        known=True,
    ),
    Mix(
        "custom",
        "the same, custom matching",
        _KNOWN + _PUSH % (ONE_DATABASE, _BY_FIELD, _UNSUBSCRIBE_FIRST),
        known=True,
    ),
    Mix("two", "new token, two databases", _FRESH + _PUSH % (TWO_DATABASES, "", ""), creates=2),
)


def write_script(
    mix: Mix, file: Path, known: Sequence[Known] = (), threads: int = 1, check: bool = False
) -> Path:
    """Write ``mix`` as a wrk script whose fresh tokens no other script makes; answers ``file``.

    ``check``: the script looks at each answer's ``error`` code and counts those that are not ``mix.error``.
    """
    known_file = file.with_suffix(".known")
    known_file.write_text("".join(f"{each.number} {each.token}\n" for each in known))
    chance = Random(mix.name)
    file.write_text(
        _COMMON
        % {
            "tails": ",".join(f'"{firebase_token(chance)[22:]}"' for _ in range(499)),
            "nonce": secrets.token_hex(5),
            "known_file": known_file,
            "threads": threads,
            "check": _CHECK % {"error": mix.error} if check else "",
            "mark": RESULT_MARK,
            "headers": "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in mix.headers.items()),
            "request": mix.request,
        }
    )
    return file


def creating_body(one: Known) -> bytes:
    """The request that makes ``one`` known to an emulator with nothing stored."""
    return orjson.dumps(
        {
            "resource_token": ONE_DATABASE,
            "matching": "custom",
            "field_name": FIELD,
            "field_value": one.number,
            "subscriptions": [{"provider": "android-firebase", "subscription_id": one.token}],
        }
    )
