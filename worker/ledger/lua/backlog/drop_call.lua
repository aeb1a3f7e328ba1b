-- Drop a failed call: it is not fetched again, and is forgotten once its records are delivered.
-- KEYS 1-8 backlog of the fetches, 9 story, 10 deliveries, 11 dead, 12 forget
-- ARGV 1 CallSid, 2 when it failed, as the caller saw it, 3 retention in ms, 4 clock or '', 5 who drops it
-- Returns 1, or 0 if its state has changed since.
local now, sid = clock(ARGV[4]), ARGV[1]
if tonumber(redis.call('ZSCORE', KEYS[11], sid) or '-1') ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[11], sid)
-- The last step of its history is what distinguishes a dropped call from others.
note_step(KEYS[9], now, 'drop', 'by ' .. ARGV[5])
if tonumber(redis.call('HGET', KEYS[10], 'pending') or '0') == 0 then
  redis.call('ZADD', KEYS[12], text(now + tonumber(ARGV[3])), sid)
end
return 1
