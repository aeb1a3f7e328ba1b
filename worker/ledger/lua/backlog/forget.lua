-- Forget one call whose retention is over, unless work on it remains.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 story, 11 events, 12 deliveries, 13 settled, 14 forget, 15 dead, 16 began,
--      17 ... the postings of its terms
-- ARGV 1 CallSid, 2 wait in ms until it is checked again if it is unfinished, 3 how many ms before the end of its
--      retention it may be forgotten, 4 the CallSid packed, 5 its terms, as the caller saw them, 6 clock or ''
-- Returns 1 if it was forgotten, else 0. A call that has got a term since the caller looked is left for the next round.
-- A call that only waits to be confirmed is settled and delivered. It is confirmed first; but if that has been overdue for
-- an hour and its retention is over, the account may be fetched no more, and the call is forgotten unconfirmed.
local CONFIRM, OVERDUE = 4, 3600000
local now, sid = clock(ARGV[6]), ARGV[1]
local until_ms = now + tonumber(ARGV[3])
local at = redis.call('ZSCORE', KEYS[14], sid)
if not at or tonumber(at) > until_ms then return 0 end
if redis.call('ZSCORE', KEYS[15], sid) then
  -- Failed: it stays until an operator has retried it, which gives it a new end, or dropped it.
  redis.call('ZREM', KEYS[14], sid)
  return 0
end
local unfinished = tonumber(redis.call('HGET', KEYS[12], 'pending') or '0') > 0 or redis.call('HEXISTS', FENCES, sid) == 1
for lane = 1, CONFIRM - 1 do
  unfinished = unfinished or redis.call('ZSCORE', KEYS[lane], sid)
end
local confirm = redis.call('ZSCORE', KEYS[CONFIRM], sid)
unfinished = unfinished or (confirm and (tonumber(confirm) > now - OVERDUE or tonumber(at) > now))
if unfinished then
  -- Beyond the range checked now, else an early check would find only the same calls again and again.
  redis.call('ZADD', KEYS[14], text(until_ms + tonumber(ARGV[2])), sid)
  return 0
end
local stored = redis.call('LINDEX', KEYS[9], 0)
if (stored and cjson.decode(stored).terms or '') ~= ARGV[5] then return 0 end
for i = 17, #KEYS do redis.call('LREM', KEYS[i], 1, ARGV[4]) end
redis.call('ZREM', KEYS[16], sid)
redis.call('ZREM', KEYS[CONFIRM], sid)
redis.call('HDEL', DEATHS, sid)
redis.call('HDEL', ATTEMPTS, sid)
redis.call('DEL', KEYS[9], KEYS[10], KEYS[11], KEYS[12])
redis.call('ZREM', KEYS[13], sid)
redis.call('ZREM', KEYS[14], sid)
return 1
