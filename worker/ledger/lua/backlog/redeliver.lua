-- Put a leased delivery back: it is due again after a wait.
-- KEYS 1-8 backlog of the sink, 9 deliveries of the call
-- ARGV 1 item, 2 lease, 3 sink, 4 wait in ms, 5 '1' if this cost an attempt, 6 JSON of the delivery or '', 7 clock or ''
-- Returns 1, or 0 for a stale lease.
local now, item = clock(ARGV[7]), ARGV[1]
local lease = held(item, ARGV[2])
if not lease then return 0 end
unhold(item)
redis.call('HDEL', DEATHS, item)
local lane = lease.lane
if ARGV[5] == '1' then
  redis.call('HINCRBY', ATTEMPTS, item, 1)
  lane = 2
end
redis.call('ZADD', KEYS[lane], text(now + tonumber(ARGV[4])), item)
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[9], ARGV[3] .. '/' .. string.match(item, '^[^/]+/(.+)$'), ARGV[6])
end
return 1
