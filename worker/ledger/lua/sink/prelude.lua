-- Prepended to the scripts of a sink's health, which have two keys:
--   1 states (hash sink -> JSON: state, since, reason, probe_at)     2 runs (hash sink -> failures since the last success)
local STATES, RUNS = KEYS[1], KEYS[2]

local function state_of(sink)
  local found = redis.call('HGET', STATES, sink)
  return found and cjson.decode(found) or nil
end

local function set_state(sink, state) redis.call('HSET', STATES, sink, cjson.encode(state)) end
