-- A probe or a trial got through: ask again for this account.
-- KEYS 1-3 bucket
-- Returns 1 if it was suspended, or a storm was on.
local ended = redis.call('HDEL', GATE, 'suspended_since', 'storm_since')
redis.call('HDEL', GATE, 'suspension', 'probe_at')
return math.min(1, ended)
