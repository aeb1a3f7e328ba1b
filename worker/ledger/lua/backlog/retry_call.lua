-- Retry a failed call: it is due now, among the most urgent. Its schedule starts again, since its attempts were
-- deleted when it failed.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 story, 11 dead
-- ARGV 1 CallSid, 2 when it failed, as the caller saw it, 3 clock or '', 4 who retries it
-- Returns 1, or 0 if its state has changed since.
local now, sid = clock(ARGV[3]), ARGV[1]
if tonumber(redis.call('ZSCORE', KEYS[11], sid) or '-1') ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[11], sid)
redis.call('ZADD', KEYS[1], text(now), sid)

local state = cjson.decode(redis.call('LINDEX', KEYS[9], 0))
state.reason = nil
redis.call('LSET', KEYS[9], 0, cjson.encode(state))
note_step(KEYS[10], now, 'retry', 'by ' .. ARGV[4])
return 1
