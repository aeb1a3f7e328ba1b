-- Note that a sink has failed.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink, 2 how many failures in a row make it failing, 3 wait in ms between two probes of a failing sink,
--      4 after how many ms of nothing but failures it is disabled, 5 reason, 6 clock or ''
-- Returns what it has become by this: 'failing', 'disabled' or ''.
local now, sink, state = clock(ARGV[6]), ARGV[1], state_of(ARGV[1])
local run = redis.call('HINCRBY', RUNS, sink, 1)
if state and state.state == 'disabled' then return '' end
if not state and run < tonumber(ARGV[2]) then return '' end
local since = state and state.since or math.floor(now)
if now - since >= tonumber(ARGV[4]) then
  set_state(sink, { state = 'disabled', since = math.floor(now), reason = ARGV[5] })
  return 'disabled'
end
set_state(sink, { state = 'failing', since = since, reason = ARGV[5], probe_at = math.floor(now + tonumber(ARGV[3])) })
return state and '' or 'failing'
