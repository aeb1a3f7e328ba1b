-- Begin the work on a leased item: check that the lease is still valid, and restart its time.
-- KEYS 1-8 backlog, and of a delivery that is to be sent: 9 states of the sinks
-- ARGV 1 item, 2 lease, 3 lease in ms, 4 the worker's name, 5 clock or '', and with KEYS 9: 6 sink
-- Returns nil for a stale lease, else: lane, due, attempts, deaths, now (numbers as text). Nil too if the sink has been
-- disabled since the item was leased: the item waits again, unchanged.
-- From here on an expiry counts as a death; a lease that expired while its message waited (or was lost) does not.
local now, lease = clock(ARGV[5]), held(ARGV[1], ARGV[2])
if not lease or lease.started then return nil end
if is_disabled(KEYS[9], ARGV[6]) then
  unhold(ARGV[1])
  redis.call('ZADD', KEYS[lease.lane], text(lease.due), ARGV[1])
  return nil
end
redis.call('ZADD', LEASES, text(now + tonumber(ARGV[3])), ARGV[1])
redis.call('HSET', FENCES, ARGV[1], string.format('%s %d %s %s', lease.id, lease.lane, text(lease.due), ARGV[4]))
return {
  tostring(lease.lane), text(lease.due),
  redis.call('HGET', ATTEMPTS, ARGV[1]) or '0', redis.call('HGET', DEATHS, ARGV[1]) or '0', text(now),
}
