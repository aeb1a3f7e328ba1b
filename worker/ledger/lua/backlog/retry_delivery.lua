-- Deliver a dead letter again: it is due now, behind the first attempts. Its schedule begins anew, for its attempts
-- were forgotten when it died.
-- KEYS 1-8 backlog of the sink, 9 deliveries of the call, 10 dead letters of the sink
-- ARGV 1 item (CallSid/revision/kind), 2 sink, 3 when it was given up on, as the caller saw it,
--      4 JSON of the delivery from now on, 5 clock or ''
-- Returns 1, or 0 where that is not how it stands any more.
local now, item = clock(ARGV[5]), ARGV[1]
if tonumber(redis.call('ZSCORE', KEYS[10], item) or '-1') ~= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[10], item)
redis.call('ZADD', KEYS[2], text(now), item)
redis.call('HSET', KEYS[9], ARGV[2] .. '/' .. string.match(item, '^[^/]+/(.+)$'), ARGV[4])
return 1
