-- Deliver a record to a sink again, or for the first time: it is due now, below live traffic.
-- KEYS 1-8 backlog of the sink, 9 events of the call, 10 deliveries of the call, 11 dead letters of the sink, 12 story
-- ARGV 1 item (CallSid/revision/kind), 2 sink, 3 JSON of the delivery as the caller saw it or '', 4 its new JSON,
--      5 '1' if the delivery was finished, or never begun, 6 clock or '', 7 who wants it, 8 '1' to make one that waits due now
-- Returns 'queued', 'sooner' (it waited, and is due now), 'waiting' (it waits, is leased, or has changed since the caller
-- looked), or 'gone' (the ledger has forgotten the record).
local now, item = clock(ARGV[6]), ARGV[1]
local record = string.match(item, '^[^/]+/(.+)$')
local delivery = ARGV[2] .. '/' .. record
if redis.call('HEXISTS', KEYS[9], record) == 0 then return 'gone' end
if (redis.call('HGET', KEYS[10], delivery) or '') ~= ARGV[3] then return 'waiting' end
if redis.call('HEXISTS', FENCES, item) == 1 then return 'waiting' end
for lane = 1, LANES do
  local due = redis.call('ZSCORE', KEYS[lane], item)
  if due then
    if ARGV[8] ~= '1' or tonumber(due) <= now then return 'waiting' end
    redis.call('ZADD', KEYS[lane], text(now), item)
    note_step(KEYS[12], now, 'retry', delivery .. ' by ' .. ARGV[7])
    return 'sooner'
  end
end
-- A dead letter still counts as pending, and is only made due again.
redis.call('ZREM', KEYS[11], item)
if ARGV[5] == '1' then redis.call('HINCRBY', KEYS[10], 'pending', 1) end
redis.call('HSET', KEYS[10], delivery, ARGV[4])
redis.call('ZADD', KEYS[3], text(now), item)
note_step(KEYS[12], now, 'redeliver', delivery .. ' by ' .. ARGV[7])
return 'queued'
