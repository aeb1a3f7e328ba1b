-- Stop taking tokens for a while: Exotel answered 429.
-- KEYS 1-3 bucket
-- ARGV 1 how long in ms, 2 how long in ms to give way, 3 the factor by which the share shrinks, 4 clock or ''
-- Returns 1 if this began a pause, 0 if there was one already (then it is only made longer, if need be).
-- We keep the quota, so a 429 means that somebody else spends from the same account: our share shrinks with each pause.
-- The answers of one storm count once.
local now = clock(ARGV[4])
local until_ms, paused = now + tonumber(ARGV[1]), tonumber(redis.call('HGET', GATE, 'paused_until') or '0')
redis.call('HINCRBY', GATE, 'refused', 1)
redis.call('HSET', GATE, 'paused_until', text(math.max(until_ms, paused)))
if paused > now then return 0 end
local smaller = math.max(0.1, share(now) * tonumber(ARGV[3]))
redis.call('HSET', GATE, 'share', text(smaller), 'yield_until', text(until_ms + tonumber(ARGV[2])))
return 1
