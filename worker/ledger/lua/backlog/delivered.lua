-- Finish one delivery: it is delivered, or a dead letter.
-- KEYS 1-8 backlog of the sink, 9 deliveries of the call, 10 forget, 11 totals, 12 dead letters of the sink
-- ARGV 1 item (CallSid/revision/kind), 2 lease, 3 sink, 4 'delivered' | 'dead', 5 JSON of the delivery,
--      6 retention in ms, 7 clock or ''
-- Returns 1, or 0 for a stale lease.
local now, item = clock(ARGV[7]), ARGV[1]
if not held(item, ARGV[2]) then return 0 end
unhold(item)
redis.call('HDEL', DEATHS, item)
redis.call('HDEL', ATTEMPTS, item)
local sid, record = string.match(item, '^([^/]+)/(.+)$')
redis.call('HSET', KEYS[9], ARGV[3] .. '/' .. record, ARGV[5])
if ARGV[4] == 'dead' then
  -- A dead letter is not finished: the call stays until an operator has retried or dropped it.
  redis.call('ZADD', KEYS[12], text(now), item)
  return 1
end
redis.call('HINCRBY', KEYS[11], 'delivered:' .. ARGV[3], 1)
if redis.call('HINCRBY', KEYS[9], 'pending', -1) <= 0 then
  redis.call('ZADD', KEYS[10], text(now + tonumber(ARGV[6])), sid)
end
return 1
