-- Take back what expired leases hold.
-- KEYS 1-8 backlog, 9 fence counter
-- ARGV 1 how many at most, 2 deaths allowed, 3 lease in ms, 4 clock or ''
-- Returns: how many are due again, then item, lease of each that has died too often and is to be buried by the caller
-- (under a lease of its own, so that a caller that dies over it leaves it to the next).
local now, again, poisoned = clock(ARGV[4]), 0, {}
for _, item in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', text(now), 'LIMIT', 0, tonumber(ARGV[1]))) do
  local lease = held(item)
  local deaths = tonumber(redis.call('HGET', DEATHS, item) or '0')
  if lease.started then deaths = redis.call('HINCRBY', DEATHS, item, 1) end
  unhold(item)
  if deaths >= tonumber(ARGV[2]) then
    table.insert(poisoned, item)
    table.insert(poisoned, tostring(hold(KEYS[9], item, lease.lane, lease.due, now + tonumber(ARGV[3]))))
  else
    redis.call('ZADD', KEYS[lease.lane], text(lease.due), item)
    again = again + 1
  end
end
table.insert(poisoned, 1, tostring(again))
return poisoned
