"""The store's writes as Lua: each is one step for every other client, and each may refuse.

Time is the server's own (``TIME``): one clock for all nodes, whatever their own clocks do.
All keys of a script belong to one session and so to one cluster slot.
"""

from __future__ import annotations

from typing import Final

_NOW = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# KEYS[1] session · ARGV record, tokens, generation, device, idle_ms, absolute_ms → 1, or 0 if taken
CREATE: Final = f"""
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
{_NOW}
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'v', 1, 't', ARGV[2], 'g', ARGV[3], 'd', ARGV[4],
           'i', ARGV[5], 'a', string.format('%.0f', now_ms + ARGV[6]),
           's', string.format('%.0f', now_ms))
redis.call('PEXPIRE', KEYS[1], math.min(ARGV[5], ARGV[6]))
return 1
"""

# Where changes are told: "<digest> <change>". One channel for all, so that a worker needs one link.
CHANGES: Final = "session-changes"

# KEYS[1] session · ARGV field, value, counter field, counter that is replaced, digest, change
# → 1 written, 0 another write came first, -1 the session is gone (and stays gone)
# An empty change is not told.
REPLACE: Final = f"""
local counter = redis.call('HGET', KEYS[1], ARGV[3])
if not counter then return -1 end
if counter ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], ARGV[3], counter + 1)
if ARGV[6] ~= '' then redis.call('PUBLISH', '{CHANGES}', ARGV[5] .. ' ' .. ARGV[6]) end
return 1
"""

# KEYS[1] session · ARGV digest → 1 this call ended it, 0 it was gone
END: Final = f"""
local ended = redis.call('DEL', KEYS[1])
if ended == 1 then redis.call('PUBLISH', '{CHANGES}', ARGV[1] .. ' ended') end
return ended
"""

# KEYS[1] session · ARGV least distance of two touches in ms
# → the heads of record and token set, which name their keys; nothing where the session is gone
# Idle expiry slides up to the absolute end and never beyond.
TOUCH: Final = f"""
local held = redis.call('HMGET', KEYS[1], 'a', 'i', 's', 'r', 't')
local ends, idle, seen = tonumber(held[1]), tonumber(held[2]), tonumber(held[3])
if not (ends and idle and seen and held[4] and held[5]) then return {{}} end
local heads = {{string.sub(held[4], 1, 5), string.sub(held[5], 1, 5)}}
{_NOW}
local since = now_ms - seen
if since >= 0 and since < tonumber(ARGV[1]) then return heads end
local left = ends - now_ms
if left <= 0 then redis.call('DEL', KEYS[1]) return {{}} end
redis.call('HSET', KEYS[1], 's', string.format('%.0f', now_ms))
redis.call('PEXPIRE', KEYS[1], math.min(idle, left))
return heads
"""

# KEYS[1] session · ARGV field, the value that is replaced, value → 1 written, 0 it has changed
# For the same content under another key: no counter grows, so no write under way is overtaken.
RESEAL: Final = """
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
"""

# KEYS[1] index · ARGV session digest, absolute_ms
# An entry keeps its score: the server's clock at its beginning orders a person's sessions.
# Entries are scored by the latest instant their session can live; the dead are dropped here.
INDEX: Final = f"""
{_NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms)
redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', now_ms + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[2], redis.call('PTTL', KEYS[1])))
return 1
"""

# KEYS[1] index · ARGV session digest, absolute_ms, grace in ms → 1 dropped, 0 kept
# For an entry that points at nothing. A young one may belong to a session that is just being made:
# dropped now, no logout would ever find that session.
HEAL: Final = f"""
{_NOW}
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or score - ARGV[2] > now_ms - ARGV[3] then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
"""
