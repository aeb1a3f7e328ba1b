-- After waiting for a token: may its request still start? If the gate was shut meanwhile, the token is returned unused.
-- KEYS 1-3 bucket
-- ARGV 1 token, 2 clock or ''
-- Returns how long in ms the gate is shut ('0': go ahead).
local wait = gate(clock(ARGV[2]))
if not wait then return '0' end
redis.call('ZREM', FLYING, ARGV[1])
return text(wait)
