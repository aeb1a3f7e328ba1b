-- Take a token: at once, or the next one to come back if that is soon.
-- KEYS 1-3 bucket
-- ARGV 1 token (a name of its own), 2 quota, 3 window in ms, 4 how long in ms the holder may take before it must have
--      returned the token, 5 longest wait in ms, 6 wait in ms between two probes of a suspended account, 7 the same
--      between two trials in a storm of 429s, 8 clock or ''
-- Returns {'taken' | 'probe' | 'trial', wait in ms}: the token is ours, the request may start after the wait;
--      or {'paused' | 'suspended' | 'empty', wait in ms}: ask again then.
-- A reserved token goes straight from cooling to flying, so the number of tokens out never exceeds the quota, and
-- whoever waits need not ask again: the order is that of asking, and no crowd wakes up for one token.
local token, quota, window, hold_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = clock(ARGV[8])
recover(now)

-- A question repeated because its answer was lost: the token is ours already, and a second one would leave one unguarded.
local mine = redis.call('ZSCORE', FLYING, token)
if mine then redis.call('ZREM', FLYING, token) end

local wait, why = gate(now)
if wait then return { why, text(wait) } end

-- Note the token as out for a request that starts after `wait`.
local function grant(wait)
  redis.call('ZADD', FLYING, text(now + wait + hold_ms + window), token)
  return { why == 'open' and 'taken' or why, text(wait) }
end

if mine then return grant(math.max(0, tonumber(mine) - hold_ms - window - now)) end

local allowed = limit(quota, now)
local out = redis.call('ZCARD', FLYING) + redis.call('ZCARD', COOLING)
if out < allowed then
  -- Nobody follows a probe or a trial until there is news of it, or its time is over.
  if why ~= 'open' then redis.call('HSET', GATE, 'probe_at', text(now + tonumber(ARGV[why == 'probe' and 6 or 7]))) end
  return grant(0)
end

-- With a lowered limit several tokens must be back before there is one for us.
local rank = out - allowed
local next_back = redis.call('ZRANGE', COOLING, rank, rank, 'WITHSCORES')
if not next_back[1] then
  -- Every token is in use; the first answer brings news long before its worst case.
  return { 'empty', text(math.max(50, window / quota)) }
end
wait = tonumber(next_back[2]) - now
-- A probe reserves nothing: the gate it shuts behind itself would be shut before it as well.
if why ~= 'open' or wait > tonumber(ARGV[5]) then return { 'empty', text(wait) } end
redis.call('ZREM', COOLING, next_back[1])
return grant(wait)
