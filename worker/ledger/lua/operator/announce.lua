-- Put an operator record on the backlog of every sink that asks for it.
-- KEYS 1 events, 2 deliveries, 3 forget, 4 ... the most urgent due list of each sink
-- ARGV 1 item in place of a CallSid, 2 <revision>/<kind>, 3 the packed record, 4 clock or '', 5 ... the sinks' names
-- Returns 1, or 0 if it was announced before.
local now, item = clock(ARGV[4]), ARGV[1]
if redis.call('HSETNX', KEYS[1], ARGV[2], ARGV[3]) == 0 then return 0 end
for i = 5, #ARGV do
  redis.call('HSET', KEYS[2], ARGV[i] .. '/' .. ARGV[2], '{}')
  redis.call('HINCRBY', KEYS[2], 'pending', 1)
  redis.call('ZADD', KEYS[4 + i - 5], text(now), item .. '/' .. ARGV[2])
end
return 1
