"""What the limiter asks of Redis, in one atomic script per question.

Three keys per provider: the booked slots, newest first, each `microseconds:urgency`, at most
`limit` of them; the places of those who were refused, by rank; and when such a place is given up.
All times are microseconds of Redis's own clock.
Not here: waiting, refusing, and what stands in for Redis (`limiter`).
"""

from typing import Final

# Ranks are urgency * 10^13 + milliseconds since when it waits. A promoted place, of the share that
# is kept for each of the lesser urgencies, is urgency * 10^10 + seconds: before all others.
#
# When Redis's clock is set back, slots lie further ahead than any booking can: all move back with
# it, so that nobody waits for a time that is hours away; places kept until then are given up.
BOOK_SLOT: Final = """
local limit, window, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local name, urgency, since_ms = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local share, grace, most = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function time_of(entry) return tonumber(string.match(entry, '^%d+')) end
local function of_urgency(entry) return tonumber(string.match(entry, ':(%d)$')) or -1 end

local newest = redis.call('LINDEX', KEYS[1], 0)
if newest and time_of(newest) > now + longest then
  local back = time_of(newest) - now
  local slots = redis.call('LRANGE', KEYS[1], 0, -1)
  redis.call('DEL', KEYS[1])
  for _, slot in ipairs(slots) do
    local moved = string.format('%.0f:%d', time_of(slot) - back, math.max(of_urgency(slot), 0))
    redis.call('RPUSH', KEYS[1], moved)
  end
end

local function give_up(names)
  for _, one in ipairs(names) do
    redis.call('ZREM', KEYS[2], one)
    redis.call('ZREM', KEYS[3], one)
  end
end
give_up(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now))
local latest = string.format('(%.0f', now + most + grace)
give_up(redis.call('ZRANGEBYSCORE', KEYS[3], latest, '+inf'))

local rank = urgency * 1e13 + since_ms
local had = name ~= '' and redis.call('ZSCORE', KEYS[2], name)
if name ~= '' then give_up({name}) end
if had and tonumber(had) < 1e11 then
  rank = tonumber(had)
elseif urgency >= 2 and redis.call('ZCARD', KEYS[2]) > 0 then
  local first, last = urgency * 1e10, urgency * 1e10 + 9.9e9
  local used = redis.call('ZCOUNT', KEYS[2], first, last)
  for _, slot in ipairs(redis.call('LRANGE', KEYS[1], 0, limit - 1)) do
    if time_of(slot) + window <= now then break end
    if of_urgency(slot) == urgency then used = used + 1 end
  end
  if used < share then rank = first + math.floor(since_ms / 1000) % 9e9 end
end

local ahead = redis.call('ZCOUNT', KEYS[2], '-inf', '(' .. string.format('%.0f', rank))
local bound = redis.call('LINDEX', KEYS[1], limit - 1 - ahead % limit)
local slot = now
if bound and time_of(bound) + window > now then slot = time_of(bound) + window end
slot = slot + math.floor(ahead / limit) * window
local wait = slot - now
if (ahead == 0 and wait <= longest) or wait == 0 then
  redis.call('LPUSH', KEYS[1], string.format('%.0f:%d', slot, urgency))
  redis.call('LTRIM', KEYS[1], 0, limit - 1)
  redis.call('PEXPIRE', KEYS[1], math.ceil((window + longest) / 1000))
  return {1, wait}
end
wait = math.min(wait, most)
if name ~= '' then
  redis.call('ZADD', KEYS[2], string.format('%.0f', rank), name)
  redis.call('ZADD', KEYS[3], string.format('%.0f', now + wait + grace), name)
  local kept = math.ceil((most + 2 * grace) / 1000)
  redis.call('PEXPIRE', KEYS[2], kept)
  redis.call('PEXPIRE', KEYS[3], kept)
end
return {0, wait}
"""

# Microseconds until each of the next `limit` slots, soonest first; then how many keep a place.
OUTLOOK: Final = """
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local slots = redis.call('LRANGE', KEYS[1], 0, limit - 1)
local waits = {}
for place = 1, limit do
  local entry = slots[limit + 1 - place]
  local at = entry and tonumber(string.match(entry, '^%d+')) + window or now
  waits[place] = math.max(0, at - now)
end
return {redis.call('ZCOUNT', KEYS[3], now, '+inf'), waits}
"""
