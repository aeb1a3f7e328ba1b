-- How the deliveries of an account's records to a sink stand. Reads only.
-- KEYS 1-8 backlog, 9 totals, 10 dead
-- ARGV 1 what the keys of the calls' deliveries begin with, 2 sink, 3 how many of each lane are looked at, 4 clock or ''
-- Returns: waiting (those that a worker has included), delivered, dead; ms for which one has waited at most, since it was
--      due or since its first attempt, and ms for which one has been due at most.
local now, waiting = clock(ARGV[4]), redis.call('ZCARD', LEASES)
local since, first_due = now, now

-- When a delivery was tried first, or nil.
local function begun(item)
  local sid, record = string.match(item, '^([^/]+)/(.+)$')
  local stored = redis.call('HGET', ARGV[1] .. sid, ARGV[2] .. '/' .. record)
  local attempts = stored and cjson.decode(stored).attempts
  return attempts and attempts[1] and tonumber(attempts[1].at)
end

for lane = 1, LANES do
  waiting = waiting + redis.call('ZCARD', KEYS[lane])
  local first = redis.call('ZRANGE', KEYS[lane], 0, tonumber(ARGV[3]) - 1, 'WITHSCORES')
  for i = 1, #first, 2 do
    local due = tonumber(first[i + 1])
    since = math.min(since, begun(first[i]) or due)
    first_due = math.min(first_due, due)
  end
end
local delivered = redis.call('HGET', KEYS[9], 'delivered:' .. ARGV[2])
return { waiting, tonumber(delivered or '0'), redis.call('ZCARD', KEYS[10]), text(now - since), text(now - first_due) }
