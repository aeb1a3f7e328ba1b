-- Read the state of the bucket, without taking a token.
-- KEYS 1-3 bucket
-- ARGV 1 quota, 2 how far to look ahead in ms, 3 clock or ''
-- Returns: tokens free now, tokens that come back within the look-ahead, in flight, cooling down, effective limit,
--      ms until the gate opens ('0': open), 'open' | 'paused' | 'suspended' | 'probe' | 'trial'.
local now, quota = clock(ARGV[3]), tonumber(ARGV[1])
local flying = redis.call('ZCOUNT', FLYING, '(' .. text(now), '+inf')
local cooling = redis.call('ZCOUNT', COOLING, '(' .. text(now), '+inf')
local soon = redis.call('ZCOUNT', COOLING, '(' .. text(now), text(now + tonumber(ARGV[2])))
local wait, why = gate(now)
local allowed = limit(quota, now)
return { math.max(0, allowed - flying - cooling), math.max(0, soon - math.max(0, flying + cooling - allowed)),
         flying, cooling, allowed, text(wait or 0), why }
