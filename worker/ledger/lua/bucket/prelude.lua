-- Prepended to the scripts of the token bucket, which have its three keys:
--   1 flying (zset token -> when it is free again if it is never returned): taken, its request not answered yet
--   2 cooling (zset token -> when it is free again): its request was answered less than a window ago
--   3 gate (hash): paused_until, storm_since, suspended_since, suspension, probe_at, share, yield_until, refused
local FLYING, COOLING, GATE = KEYS[1], KEYS[2], KEYS[3]

-- After a 429 although the quota was kept: how fast our share of the quota grows back, once yield_until has passed.
local CLIMB_PER_MS = 0.05 / 60000

-- Free the tokens whose time has come.
local function recover(now)
  redis.call('ZREMRANGEBYSCORE', FLYING, '-inf', text(now))
  redis.call('ZREMRANGEBYSCORE', COOLING, '-inf', text(now))
end

-- Return our share of the quota: below 1 while throttled because another program uses the account.
local function share(now)
  local yielding = redis.call('HMGET', GATE, 'share', 'yield_until')
  if not yielding[1] then return 1 end
  return math.min(1, tonumber(yielding[1]) + math.max(0, now - tonumber(yielding[2])) * CLIMB_PER_MS)
end

local function limit(quota, now) return math.max(1, math.floor(quota * share(now) + 1e-9)) end

-- Return for how long in ms the gate is closed, and why; or nil and the kind of the next request: 'open' (one of many), or
-- the one that tests whether a suspension ('probe') or a series of 429s ('trial') is over.
local function gate(now)
  local kept = redis.call('HMGET', GATE, 'suspended_since', 'storm_since', 'probe_at', 'paused_until')
  local suspended, storm, probe_at, paused_until = kept[1], kept[2], tonumber(kept[3] or '0'), tonumber(kept[4] or '0')
  if suspended and probe_at > now then return probe_at - now, 'suspended' end
  if paused_until > now then return paused_until - now, 'paused' end
  if storm and probe_at > now then return probe_at - now, 'paused' end
  return nil, suspended and 'probe' or storm and 'trial' or 'open'
end
