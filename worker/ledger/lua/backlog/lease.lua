-- Lease due items, the most urgent first.
-- KEYS 1-8 backlog, 9 fence counter, and for deliveries that are begun at once: 10 states of the sinks
-- ARGV 1 maximum number of items, 2-5 maximum from each lane, 6 lease in ms, 7 clock or '',
--      8 the worker's name if it begins at once, or '', 9 maximum number of leases in all, or '', then for deliveries that
--      are begun at once: 10 prefix of the account's keys, 11 sink (nothing is leased if it is disabled)
-- Returns a flat list: item, lease, lane, due, attempts, deaths, now (numbers as text) of each, and for such a delivery the
-- packed record and the JSON of the delivery: the worker needs them next, and this saves a round trip.
-- Every twentieth lease takes from the lower lanes first, so that a steady stream of fresh calls never starves the
-- retries. The last lane (confirmations) has no such share: it uses only spare quota.
local SHARE = 20
local now, leased = clock(ARGV[7]), {}
local left = { tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]) }

local function first_due(lane)
  if left[lane] <= 0 then return nil end
  local found = redis.call('ZRANGEBYSCORE', KEYS[lane], '-inf', text(now), 'WITHSCORES', 'LIMIT', 0, 1)
  return found[1], found[2]
end

if is_disabled(KEYS[10], ARGV[11]) then return leased end
local room = tonumber(ARGV[1])
-- Checked in the script: two dispatchers that surveyed at the same time both saw free places.
if ARGV[9] ~= '' then room = math.min(room, tonumber(ARGV[9]) - redis.call('ZCARD', LEASES)) end
for _ = 1, room do
  local turn = tonumber(redis.call('GET', KEYS[9]) or '0') + 1
  local order = { 1, 2, 3, 4 }
  if turn % SHARE == 0 then order = { 2, 3, 1, 4 } end
  local item, due, lane
  for _, candidate in ipairs(order) do
    item, due = first_due(candidate)
    lane = candidate
    if item then break end
  end
  if not item then break end
  left[lane] = left[lane] - 1
  redis.call('ZREM', KEYS[lane], item)
  table.insert(leased, item)
  local by = ARGV[8] ~= '' and ARGV[8] or nil
  table.insert(leased, tostring(hold(KEYS[9], item, lane, tonumber(due), now + tonumber(ARGV[6]), by)))
  table.insert(leased, tostring(lane))
  table.insert(leased, due)
  table.insert(leased, redis.call('HGET', ATTEMPTS, item) or '0')
  table.insert(leased, redis.call('HGET', DEATHS, item) or '0')
  table.insert(leased, text(now))
  if ARGV[10] then
    local sid, record = string.match(item, '^([^/]+)/(.+)$')
    table.insert(leased, redis.call('HGET', ARGV[10] .. 'events:' .. sid, record) or '')
    table.insert(leased, redis.call('HGET', ARGV[10] .. 'deliveries:' .. sid, ARGV[11] .. '/' .. record) or '')
  end
end
return leased
