-- Record that attempts at a sink have failed.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink, 2 how many attempts have failed, 3 how many in a row make it failing, 4 wait in ms between two probes of a
--      failing sink, 5 ms of nothing but failures after which it is disabled, 6 reason, 7 clock or ''
-- Returns its new state: 'failing', 'disabled' or ''.
local now, sink, state = clock(ARGV[7]), ARGV[1], state_of(ARGV[1])
local run = redis.call('HINCRBY', RUNS, sink, ARGV[2])
if state and state.state == 'disabled' then return '' end
if not state and run < tonumber(ARGV[3]) then return '' end
local since = state and state.since or math.floor(now)
if now - since >= tonumber(ARGV[5]) then
  set_state(sink, { state = 'disabled', since = math.floor(now), reason = ARGV[6] })
  return 'disabled'
end
set_state(sink, { state = 'failing', since = since, reason = ARGV[6], probe_at = math.floor(now + tonumber(ARGV[4])) })
return state and '' or 'failing'
