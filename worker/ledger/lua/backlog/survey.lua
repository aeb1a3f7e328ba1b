-- Count a backlog's due and leased items.
-- KEYS 1-8 backlog
-- ARGV 1 clock or ''
-- Returns: due now in each of the four lanes, then leased.
local now, counts = clock(ARGV[1]), {}
for lane = 1, LANES do
  counts[lane] = redis.call('ZCOUNT', KEYS[lane], '-inf', text(now))
end
counts[LANES + 1] = redis.call('ZCARD', LEASES)
return counts
