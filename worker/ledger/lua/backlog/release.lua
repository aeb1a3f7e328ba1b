-- Release leased items unchanged: nothing was done about them, or the result is unknown.
-- KEYS 1-8 backlog
-- ARGV item, lease, item, lease ...
-- Returns how many were still held under these leases.
local back = 0
for i = 1, #ARGV, 2 do
  local item = ARGV[i]
  local lease = held(item, ARGV[i + 1])
  if lease then
    unhold(item)
    redis.call('ZADD', KEYS[lease.lane], text(lease.due), item)
    back = back + 1
  end
end
return back
