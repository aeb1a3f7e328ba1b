-- Decide whether a failing sink may be tried with one delivery now. If so, no other worker may until the next time.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink, 2 wait in ms between two probes, 3 clock or ''
-- Returns 1 or 0.
local now, state = clock(ARGV[3]), state_of(ARGV[1])
if not state or state.state ~= 'failing' or state.probe_at > now then return 0 end
state.probe_at = math.floor(now + tonumber(ARGV[2]))
set_state(ARGV[1], state)
return 1
