-- A probe went through: ask again for this account.
-- KEYS 1-3 bucket
-- Returns 1 if it was suspended.
local was = redis.call('HDEL', GATE, 'suspended_since')
redis.call('HDEL', GATE, 'suspension', 'probe_at')
return was
