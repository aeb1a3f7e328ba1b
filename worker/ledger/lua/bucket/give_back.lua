-- Return a token: it is free again one window from now. Called when the response to its request has arrived or was abandoned.
-- KEYS 1-3 bucket
-- ARGV 1 token, 2 window in ms, 3 clock or ''
redis.call('ZREM', FLYING, ARGV[1])
redis.call('ZADD', COOLING, text(clock(ARGV[3]) + tonumber(ARGV[2])), ARGV[1])
return 1
