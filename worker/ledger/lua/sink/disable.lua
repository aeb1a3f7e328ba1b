-- Stop delivering to a sink.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink, 2 reason, 3 clock or ''
-- Returns 1, or 0 if it was disabled already; then it keeps its reason.
local state = state_of(ARGV[1])
if state and state.state == 'disabled' then return 0 end
set_state(ARGV[1], { state = 'disabled', reason = ARGV[2], since = math.floor(clock(ARGV[3])) })
return 1
