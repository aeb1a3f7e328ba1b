-- Drop a delivery to a removed sink, whatever its state.
-- KEYS 1-8 backlog of the sink, 9 deliveries of the call, 10 dead letters of the sink, 11 forget
-- ARGV 1 item (CallSid/revision/kind), 2 sink, 3 retention in ms, 4 clock or ''
-- Returns 1, or 0 if there was nothing to deliver.
local now, item = clock(ARGV[4]), ARGV[1]
local owed = undue(item) ~= nil
if redis.call('HEXISTS', FENCES, item) == 1 then owed = true end
if redis.call('ZREM', KEYS[10], item) == 1 then owed = true end
unhold(item)
redis.call('HDEL', DEATHS, item)
redis.call('HDEL', ATTEMPTS, item)
if not owed then return 0 end
local sid, record = string.match(item, '^([^/]+)/(.+)$')
local delivery = ARGV[2] .. '/' .. record
local noted = cjson.decode(redis.call('HGET', KEYS[9], delivery) or '{}')
noted.state = 'dropped'
redis.call('HSET', KEYS[9], delivery, cjson.encode(noted))
if redis.call('HINCRBY', KEYS[9], 'pending', -1) <= 0 then
  redis.call('ZADD', KEYS[11], text(now + tonumber(ARGV[3])), sid)
end
return 1
