-- Record that a sink has accepted a delivery.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink
-- Returns 1 if it was failing before.
redis.call('HDEL', RUNS, ARGV[1])
local state = state_of(ARGV[1])
if not state or state.state ~= 'failing' then return 0 end
return redis.call('HDEL', STATES, ARGV[1])
