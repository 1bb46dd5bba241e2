#!/usr/bin/env bash
# What the app relies on, checked with nothing but curl, in a workspace of its own.
#
#   EMULATOR_URL=http://127.0.0.1:8080 ./contract.sh
#
# Exit status: 0 if all holds, 1 if not.
set -u

url=${EMULATOR_URL:-http://127.0.0.1:8080}
workspace=${WORKSPACE:-contract-$$}
world=$url/w/$workspace
token=3LXP2FRcRxJ-7b14db88ec937f14
failed=0

# send PATH BODY: the answer's body, then its HTTP status (000: no answer) on a line of its own.
send() {
  curl --silent --noproxy '*' --max-time 10 --write-out '\n%{http_code}\n' \
    --header 'Content-Type: application/json' --data "$2" "$world$1"
}

# subscribe TOKEN [MORE]: the body of a request that registers a token.
subscribe() {
  printf '{"resource_token": "%s", "subscriptions": [{"provider": "android-firebase", "subscription_id": "%s"}]%s}' \
    "$token" "$1" "${2:-}"
}

# check WHAT STATUS TEXT PATH BODY: sends it; one line, and a mark if the answer is not so.
check() {
  local answer status
  answer=$(send "$4" "$5")
  status=${answer##*$'\n'}
  if [ "$status" = "$2" ] && [[ $answer == *"$3"* ]]; then
    echo "ok    $1"
  else
    printf 'FAIL  %s: expected %s with %s, got:\n%s\n' "$1" "$2" "$3" "$answer"
    failed=1
  fi
}

cleanup() { curl --silent --noproxy '*' --output /dev/null --request DELETE "$url/__admin/workspaces/$workspace"; }
trap cleanup EXIT

check 'a new token is subscribed' 200 '"error":0' \
  /push_subscribe "$(subscribe t1)"
check 'the same token again changes nothing' 200 '"error":200' \
  /push_subscribe "$(subscribe t1)"
check 'a profile is found by its id' 200 '"profile_id":"59db33d269d426509e9c4bf9"' \
  /push_subscribe "$(subscribe t2 ', "id": "59db33d269d426509e9c4bf9"')"
check 'a token of another profile is refused' 200 '"description":"Duplicate push subscription"' \
  /push_subscribe "$(subscribe taken-token ', "id": "59db33d269d426509e9c4bf9"')"
check 'an unknown resource is refused' 404 'Resource not found' \
  /push_subscribe '{"resource_token": "nobody", "subscriptions": [{"provider": "ios-apns", "subscription_id": "t"}]}'
check 'what is missing is named' 400 'subscriptions: is required' \
  /push_subscribe "{\"resource_token\": \"$token\"}"
check 'a token can ask for an error' 503 '"error":503' \
  /push_subscribe "$(subscribe 'emu!503')"
check 'a token can ask for a broken connection' 000 '' \
  /push_subscribe "$(subscribe 'emu!reset')"

check 'a fault is armed' 201 '"fired":0' \
  /__admin/faults '{"then": {"status": 502}, "match": {"subscription_id": "t3"}, "times": 1}'
check 'the fault strikes once' 502 'Bad Gateway' \
  /push_subscribe "$(subscribe t3)"
check 'and then no more' 200 '"error":0' \
  /push_subscribe "$(subscribe t3)"
check 'both attempts are in the journal' 200 '"count":2' \
  /__admin/requests/verify '{"match": {"subscription_id": "t3"}, "expect": {"exactly": 2}}'
check 'what never came is told with the nearest miss' 422 '"key":"subscription_id","expected":"t4","actual":"t3"' \
  /__admin/requests/verify '{"match": {"subscription_id": "t4"}}'

exit $failed
