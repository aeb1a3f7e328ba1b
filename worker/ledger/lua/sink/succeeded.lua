-- Record that a sink has accepted a delivery.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink
-- Returns 1 if it is failing, else 0.
redis.call('HDEL', RUNS, ARGV[1])
local state = state_of(ARGV[1])
return state and state.state == 'failing' and 1 or 0
