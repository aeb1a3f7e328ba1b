-- Let the next request find out now whether a suspended account works again.
-- KEYS 1-3 bucket
-- ARGV 1 clock or ''
-- Returns 1, or 0 if the account is not suspended.
if redis.call('HEXISTS', GATE, 'suspended_since') == 0 then return 0 end
redis.call('HSET', GATE, 'probe_at', text(clock(ARGV[1])))
return 1
