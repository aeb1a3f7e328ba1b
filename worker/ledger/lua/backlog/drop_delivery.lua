-- Drop a dead letter: the sink never gets this record, and the call no longer waits for it.
-- KEYS 1-8 backlog of the sink, 9 deliveries of the call, 10 dead letters of the sink, 11 forget, 12 story of the call
-- ARGV 1 item (CallSid/revision/kind), 2 sink, 3 when it became a dead letter, as the caller saw it,
--      4 new JSON of the delivery, 5 retention in ms, 6 clock or '', 7 who drops it
-- Returns 1, or 0 if its state has changed since.
local now, item = clock(ARGV[6]), ARGV[1]
if tonumber(redis.call('ZSCORE', KEYS[10], item) or '-1') ~= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[10], item)
local sid, record = string.match(item, '^([^/]+)/(.+)$')
redis.call('HSET', KEYS[9], ARGV[2] .. '/' .. record, ARGV[4])
note_step(KEYS[12], now, 'drop', ARGV[2] .. '/' .. record .. ' by ' .. ARGV[7])
if redis.call('HINCRBY', KEYS[9], 'pending', -1) <= 0 then
  redis.call('ZADD', KEYS[11], text(now + tonumber(ARGV[5])), sid)
end
return 1
