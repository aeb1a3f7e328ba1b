-- Take a token: a free one, or else reserve the next one to come back if that is soon.
-- KEYS 1-3 bucket
-- ARGV 1 token (a unique name), 2 quota, 3 window in ms, 4 time in ms within which the holder must return the
--      token, 5 longest wait in ms, 6 wait in ms between two probes of a suspended account, 7 the same
--      between two trials in a series of 429s, 8 clock or ''
-- Returns {'taken' | 'probe' | 'trial', wait in ms}: the token is taken, the request may start after the wait;
--      or {'paused' | 'suspended' | 'empty', wait in ms}: try again then.
-- A reserved token goes straight from cooling to flying, so the tokens in use never exceed the quota. Waiting callers
-- need not try again: they are served in order, and one free token does not wake them all.
local token, quota, window, hold_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = clock(ARGV[8])
recover(now)

-- A repeated request whose reply was lost: the token is taken already; taking a second one would waste it.
local mine = redis.call('ZSCORE', FLYING, token)
if mine then redis.call('ZREM', FLYING, token) end

local wait, why = gate(now)
if wait then return { why, text(wait) } end

-- Record the token as in use for a request that starts after `wait`.
local function grant(wait)
  redis.call('ZADD', FLYING, text(now + wait + hold_ms + window), token)
  return { why == 'open' and 'taken' or why, text(wait) }
end

if mine then return grant(math.max(0, tonumber(mine) - hold_ms - window - now)) end

local allowed = limit(quota, now)
local out = redis.call('ZCARD', FLYING) + redis.call('ZCARD', COOLING)
if out < allowed then
  -- No request follows a probe or a trial until its result is known, or its time is over.
  if why ~= 'open' then redis.call('HSET', GATE, 'probe_at', text(now + tonumber(ARGV[why == 'probe' and 6 or 7]))) end
  return grant(0)
end

-- With a reduced limit several tokens must come back before one can be taken.
local rank = out - allowed
local next_back = redis.call('ZRANGE', COOLING, rank, rank, 'WITHSCORES')
if not next_back[1] then
  -- Every token is in use; the first response frees one long before the worst case.
  return { 'empty', text(math.max(50, window / quota)) }
end
wait = tonumber(next_back[2]) - now
-- A probe reserves no token: the gate that it closes behind it would also stop the probe itself.
if why ~= 'open' or wait > tonumber(ARGV[5]) then return { 'empty', text(wait) } end
redis.call('ZREM', COOLING, next_back[1])
return grant(wait)
