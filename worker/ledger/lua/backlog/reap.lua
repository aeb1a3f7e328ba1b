-- Take back the items of expired leases, and of workers that are gone.
-- KEYS 1-8 backlog, 9 fence counter
-- ARGV 1 maximum number of items, 2 deaths allowed, 3 lease in ms, 4 wait in ms between two suspects, 5 clock or '',
--      6 ... the workers that are alive; if none is given, none counts as gone
-- Returns: how many are due again, then item and lease of each that exceeded the deaths allowed and that the caller must
-- mark as failed (under a new lease: if the caller dies too, the next one takes over).
-- An item with two deaths may only have shared a worker with the one that kills it: such suspects come back one at a
-- time, so that the next death is that of a single suspect.
local SUSPICIOUS = 2
local now, again, suspects, poisoned = clock(ARGV[5]), 0, 0, {}

if ARGV[6] then
  -- '-' is a process that is not a worker and so does not report that it is alive.
  local alive = { [NOBODY] = true, ['-'] = true }
  for i = 6, #ARGV do alive[ARGV[i]] = true end
  for _, item in ipairs(redis.call('HKEYS', FENCES)) do
    if not alive[held(item).worker] then redis.call('ZADD', LEASES, text(now), item) end
  end
end

for _, item in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', text(now), 'LIMIT', 0, tonumber(ARGV[1]))) do
  local lease = held(item)
  local deaths = tonumber(redis.call('HGET', DEATHS, item) or '0')
  if lease.started then deaths = redis.call('HINCRBY', DEATHS, item, 1) end
  unhold(item)
  if deaths >= tonumber(ARGV[2]) then
    table.insert(poisoned, item)
    table.insert(poisoned, tostring(hold(KEYS[9], item, lease.lane, lease.due, now + tonumber(ARGV[3]))))
  else
    local due = lease.due
    if deaths >= SUSPICIOUS then
      due = now + suspects * tonumber(ARGV[4])
      suspects = suspects + 1
    end
    redis.call('ZADD', KEYS[lease.lane], text(due), item)
    again = again + 1
  end
end
table.insert(poisoned, 1, tostring(again))
return poisoned
