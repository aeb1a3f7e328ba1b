-- Decide a call: store its record, put it on the backlog of every sink that wants it, and finish the call.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 story, 11 events, 12 deliveries, 13 settled, 14 dead, 15 forget, 16 totals,
--      17 began, 18 ... the postings of the terms, then the most urgent due list of each sink that wants the record
-- ARGV 1 CallSid, 2 lease, 3 'settled' | 'dead' | 'confirmed', 4 <revision>/<kind> of the record or '', 5 the packed record,
--      6 the call's new revision, 7 reason or '', 8 requests made, 9 wait in ms for the confirmation or '',
--      10 step for the history as JSON or '', 11 retention in ms, 12 clock or '', 13 when the call began in ms or '',
--      14 the CallSid packed, 15 how many callbacks the terms are of, 16 how many terms,
--      17 ... the terms that find the call, then the sinks' names
-- Returns 1, or 2 if there are more callbacks, which are still to be indexed, or 0 for a stale lease.
local now, sid, outcome = clock(ARGV[12]), ARGV[1], ARGV[3]
if not held(sid, ARGV[2]) then return 0 end
unhold(sid)
redis.call('HDEL', DEATHS, sid)
redis.call('HDEL', ATTEMPTS, sid)

local state = cjson.decode(redis.call('LINDEX', KEYS[9], 0))
state.fetches = (state.fetches or 0) + tonumber(ARGV[8])
if ARGV[6] ~= '0' then state.revision = tonumber(ARGV[6]) end
state.reason = ARGV[7] ~= '' and ARGV[7] or nil
local last_term = 16 + tonumber(ARGV[16])
index(state, ARGV[14], slice(ARGV, 17, last_term), slice(KEYS, 18, last_term + 1))
if ARGV[13] ~= '' then redis.call('ZADD', KEYS[17], ARGV[13], sid) end
redis.call('LSET', KEYS[9], 0, cjson.encode(state))

if outcome == 'settled' then
  if redis.call('ZADD', KEYS[13], text(now), sid) == 1 then redis.call('HINCRBY', KEYS[16], 'settled', 1) end
  redis.call('ZREM', KEYS[14], sid)
elseif outcome == 'dead' then
  redis.call('ZADD', KEYS[14], text(now), sid)
end
if outcome ~= 'dead' then
  redis.call('HDEL', KEYS[11], 'partial')
  redis.call('HSET', KEYS[16], 'answered_at', text(now))
end

if ARGV[4] ~= '' then
  -- A record that was sent under an id never changes: a call that fails again after a retry keeps its first record.
  redis.call('HSETNX', KEYS[11], ARGV[4], ARGV[5])
  for i = last_term + 1, #ARGV do
    local delivery = ARGV[i] .. '/' .. ARGV[4]
    if redis.call('HSETNX', KEYS[12], delivery, '{}') == 1 then
      redis.call('HINCRBY', KEYS[12], 'pending', 1)
      redis.call('ZADD', KEYS[i + 1], text(now), sid .. '/' .. ARGV[4])
    end
  end
end
if ARGV[9] ~= '' then redis.call('ZADD', KEYS[4], text(now + tonumber(ARGV[9])), sid) end
if ARGV[10] ~= '' then
  redis.call('RPUSH', KEYS[10], ARGV[10])
  redis.call('LTRIM', KEYS[10], -50, -1)
end
if outcome ~= 'dead' and tonumber(redis.call('HGET', KEYS[12], 'pending') or '0') == 0 then
  redis.call('ZADD', KEYS[15], text(now + tonumber(ARGV[11])), sid)
end
return redis.call('LLEN', KEYS[9]) - 1 > tonumber(ARGV[15]) and 2 or 1
