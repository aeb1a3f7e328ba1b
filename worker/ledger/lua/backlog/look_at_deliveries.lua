-- Count an account's deliveries to a sink and measure how long they wait. Reads only.
-- KEYS 1-8 backlog, 9 totals, 10 dead
-- ARGV 1 prefix of the keys of the calls' deliveries, 2 sink, 3 how many of each lane are examined, 4 clock or ''
-- Returns: waiting (including those that a worker holds), delivered, dead; longest wait in ms, since it was due or since
--      its first attempt; longest time overdue in ms.
local now, waiting = clock(ARGV[4]), redis.call('ZCARD', LEASES)
local since, first_due = now, now

-- Return the time of a delivery's first attempt, or nil.
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
