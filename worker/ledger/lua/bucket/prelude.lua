-- Stands before the scripts of the token bucket, which have its three keys:
--   1 flying (zset token -> when it is back if nobody ever returns it): taken, its request not answered yet
--   2 cooling (zset token -> when it is back): its request was answered less than a window ago
--   3 gate (hash): paused_until, suspended_since, suspension, probe_at, share, yield_until, refused
local FLYING, COOLING, GATE = KEYS[1], KEYS[2], KEYS[3]

-- After a 429 that we did not earn, how fast the share we allow ourselves climbs back, once the time of giving way is over.
local CLIMB_PER_MS = 0.05 / 60000

-- Tokens whose time has come are back.
local function recover(now)
  redis.call('ZREMRANGEBYSCORE', FLYING, '-inf', text(now))
  redis.call('ZREMRANGEBYSCORE', COOLING, '-inf', text(now))
end

-- The part of the quota we may use while we give way to somebody else, 1 when we do not.
local function share(now)
  local yielding = redis.call('HMGET', GATE, 'share', 'yield_until')
  if not yielding[1] then return 1 end
  return math.min(1, tonumber(yielding[1]) + math.max(0, now - tonumber(yielding[2])) * CLIMB_PER_MS)
end

local function limit(quota, now) return math.max(1, math.floor(quota * share(now) + 1e-9)) end

-- Is the gate shut? Returns how long in ms and why, or nil when it is open. A suspended account is open for one probe
-- when its time has come.
local function shut(now)
  local gate = redis.call('HMGET', GATE, 'suspended_since', 'probe_at', 'paused_until')
  if gate[1] and tonumber(gate[2]) > now then return tonumber(gate[2]) - now, 'suspended' end
  if gate[3] and tonumber(gate[3]) > now then return tonumber(gate[3]) - now, 'paused' end
end
