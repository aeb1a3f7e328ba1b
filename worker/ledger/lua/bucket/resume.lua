-- Resume requests for this account: a probe or a trial succeeded.
-- KEYS 1-3 bucket
-- Returns 1 if it was suspended, or in a series of 429s.
local ended = redis.call('HDEL', GATE, 'suspended_since', 'storm_since')
redis.call('HDEL', GATE, 'suspension', 'probe_at')
return math.min(1, ended)
