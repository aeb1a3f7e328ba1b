-- Put a leased call back: it is due again after a wait.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 story, 11 events
-- ARGV 1 CallSid, 2 lease, 3 wait in ms, 4 '1' if this cost an attempt, 5 lane to wait in (0: the one it came from),
--      6 '1' if the worker knew that the call had ended, 7 wait in ms after the end of a call,
--      8 step for the history as JSON or '', 9 incomplete answer packed or '', 10 requests made, 11 clock or ''
-- Returns 1, or 0 for a stale lease.
local now, sid = clock(ARGV[11]), ARGV[1]
local lease = held(sid, ARGV[2])
if not lease then return 0 end
unhold(sid)
redis.call('HDEL', DEATHS, sid)

local state = cjson.decode(redis.call('LINDEX', KEYS[9], 0))
local lane, due = tonumber(ARGV[5]), now + tonumber(ARGV[3])
if lane == 0 then lane = lease.lane end
if state.ended and ARGV[6] == '0' then
  -- A callback said that the call has ended while it was being fetched: start the schedule again from there.
  lane, due = 1, math.max(now, state.ended + tonumber(ARGV[7]))
  redis.call('HDEL', ATTEMPTS, sid)
elseif ARGV[4] == '1' then
  redis.call('HINCRBY', ATTEMPTS, sid, 1)
end
redis.call('ZADD', KEYS[lane], text(due), sid)

if ARGV[10] ~= '0' then
  state.fetches = (state.fetches or 0) + tonumber(ARGV[10])
  redis.call('LSET', KEYS[9], 0, cjson.encode(state))
end
if ARGV[8] ~= '' then
  redis.call('RPUSH', KEYS[10], ARGV[8])
  redis.call('LTRIM', KEYS[10], -50, -1)
end
if ARGV[9] ~= '' then redis.call('HSET', KEYS[11], 'partial', ARGV[9]) end
return 1
