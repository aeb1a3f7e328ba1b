-- Retry a dead letter: it is due now, after first attempts. Its schedule starts again, since its attempts were
-- deleted when it became a dead letter.
-- KEYS 1-8 backlog of the sink, 9 deliveries of the call, 10 dead letters of the sink, 11 story of the call
-- ARGV 1 item (CallSid/revision/kind), 2 sink, 3 when it became a dead letter, as the caller saw it,
--      4 new JSON of the delivery, 5 clock or '', 6 who retries it
-- Returns 1, or 0 if its state has changed since.
local now, item = clock(ARGV[5]), ARGV[1]
if tonumber(redis.call('ZSCORE', KEYS[10], item) or '-1') ~= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[10], item)
redis.call('ZADD', KEYS[2], text(now), item)
local delivery = ARGV[2] .. '/' .. string.match(item, '^[^/]+/(.+)$')
redis.call('HSET', KEYS[9], delivery, ARGV[4])
note_step(KEYS[11], now, 'retry', delivery .. ' by ' .. ARGV[6])
return 1
