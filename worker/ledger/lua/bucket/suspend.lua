-- Suspend requests for this account: Exotel refuses its credentials or its plan.
-- KEYS 1-3 bucket
-- ARGV 1 reason, 2 wait in ms until the next probe, 3 clock or ''
-- Returns 1 if the account was not suspended before.
local now = clock(ARGV[3])
redis.call('HSET', GATE, 'suspension', ARGV[1], 'probe_at', text(now + tonumber(ARGV[2])))
return redis.call('HSETNX', GATE, 'suspended_since', text(now))
