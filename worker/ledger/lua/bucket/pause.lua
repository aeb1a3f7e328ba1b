-- Stop taking tokens for a while: Exotel answered 429.
-- KEYS 1-3 bucket
-- ARGV 1 how long in ms, 2 how long in ms to keep the share reduced, 3 the factor by which the share shrinks, 4 clock or ''
-- Returns 1 if this 429 begins a series, 0 if it is part of one (then the pause is only extended, if necessary).
-- Legwork keeps the quota, so a 429 means that another program uses the same account: our share shrinks with each
-- series. A series lasts until a request succeeds, however many are refused before that.
local now = clock(ARGV[4])
local before = share(now)
local paused_until = math.max(now + tonumber(ARGV[1]), tonumber(redis.call('HGET', GATE, 'paused_until') or '0'))
redis.call('HINCRBY', GATE, 'refused', 1)
redis.call('HSET', GATE, 'paused_until', text(paused_until), 'yield_until', text(paused_until + tonumber(ARGV[2])))
if redis.call('HSETNX', GATE, 'storm_since', text(now)) == 0 then return 0 end
redis.call('HSET', GATE, 'share', text(math.max(0.1, before * tonumber(ARGV[3]))))
return 1
