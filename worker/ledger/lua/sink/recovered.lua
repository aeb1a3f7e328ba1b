-- Make a failing sink active.
-- KEYS 1 states, 2 runs
-- ARGV 1 sink
-- Returns 1, or 0 if it was not failing.
local state = state_of(ARGV[1])
if not state or state.state ~= 'failing' then return 0 end
return redis.call('HDEL', STATES, ARGV[1])
