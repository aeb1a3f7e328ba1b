-- Check after waiting for a token that its request may still start. If the gate was closed meanwhile, the token is returned.
-- KEYS 1-3 bucket
-- ARGV 1 token, 2 clock or ''
-- Returns for how long in ms the gate is closed ('0': the request may start).
local wait = gate(clock(ARGV[2]))
if not wait then return '0' end
redis.call('ZREM', FLYING, ARGV[1])
return text(wait)
