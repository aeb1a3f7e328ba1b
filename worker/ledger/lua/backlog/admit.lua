-- Store a callback and, with a call's first callback, the call itself.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 totals, 11 began
-- ARGV 1 CallSid, 2 the callback packed, 3 '1' if it says that the call has ended, 4 wait in ms until the first fetch,
--      5 maximum number of callbacks stored per call, 6 the lane that a new call waits in,
--      7 '1' for an import: a known call is left as it is, and a new one has nothing to be found by yet, 8 clock or ''
-- Returns 1 if the call was not known, 2 if it is known and indexed, so that this callback is still to be, else 0.
-- A call is indexed when it is decided, not here: a callback has to be answered fast.
-- The first callback that says so sets the end: the wait runs from it, and the schedule starts again. Callbacks that do
-- not say so postpone the first fetch while the call goes on. Callbacks after the end change no due time.
local now, sid, ended = clock(ARGV[8]), ARGV[1], ARGV[3] == '1'
local due = now + tonumber(ARGV[4])

if redis.call('EXISTS', KEYS[9]) == 0 then
  local state = { since = math.floor(now) }
  if ended then state.ended = state.since end
  if ARGV[7] == '1' then state.terms = '' end
  redis.call('RPUSH', KEYS[9], cjson.encode(state), ARGV[2])
  redis.call('ZADD', KEYS[tonumber(ARGV[6])], text(due), sid)
  redis.call('ZADD', KEYS[11], state.since, sid)
  redis.call('HINCRBY', KEYS[10], 'received', 1)
  return 1
end

if ARGV[7] == '1' then return 0 end

local state = cjson.decode(redis.call('LINDEX', KEYS[9], 0))
local known = state.terms and 2 or 0
-- A retried write whose reply was lost: the callback is stored already, and the reply was 1 if it was the first.
if redis.call('LINDEX', KEYS[9], -1) == ARGV[2] then
  return redis.call('LLEN', KEYS[9]) == 2 and 1 or known
end

if redis.call('LLEN', KEYS[9]) <= tonumber(ARGV[5]) then
  redis.call('RPUSH', KEYS[9], ARGV[2])
else
  state.dropped = (state.dropped or 0) + 1
end
if not state.revision and not state.ended then
  if ended then
    state.ended = math.floor(now)
    if undue(sid) then
      redis.call('ZADD', KEYS[1], text(due), sid)
      redis.call('HDEL', ATTEMPTS, sid)
    end
  elseif redis.call('ZSCORE', KEYS[1], sid) then
    redis.call('ZADD', KEYS[1], 'GT', text(due), sid)
  end
end
redis.call('LSET', KEYS[9], 0, cjson.encode(state))
return known
