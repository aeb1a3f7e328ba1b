-- Count an account's calls and measure how long they wait. Reads only.
-- KEYS 1-8 backlog, 9 totals, 10 dead, 11 gate of the bucket
-- ARGV 1 prefix of its calls' keys, 2 how many calls of each lane are examined, 3 clock or ''
-- Returns: waiting, fetching, received, settled, dead; longest wait in ms, longest time overdue in ms, ms until the
--      last fresh one is due; why the account is suspended or '', when its pause ends or '0', number of 429 responses.
-- Calls that wait to be confirmed are settled, so the last lane and the leases from it are left out.
local CONFIRM = 4
local now, waiting, fetching = clock(ARGV[3]), 0, 0
local since, due = now, now

for lane = 1, CONFIRM - 1 do
  waiting = waiting + redis.call('ZCARD', KEYS[lane])
  local first = redis.call('ZRANGE', KEYS[lane], 0, tonumber(ARGV[2]) - 1, 'WITHSCORES')
  for i = 1, #first, 2 do
    local state = redis.call('LINDEX', ARGV[1] .. first[i], 0)
    if state then since = math.min(since, tonumber(cjson.decode(state).since)) end
    due = math.min(due, tonumber(first[i + 1]))
  end
end
for _, fence in ipairs(redis.call('HVALS', FENCES)) do
  if string.match(fence, '^%d+ (%d)') ~= tostring(CONFIRM) then fetching = fetching + 1 end
end

local totals = redis.call('HMGET', KEYS[9], 'received', 'settled')
local gate = redis.call('HMGET', KEYS[11], 'suspension', 'paused_until', 'refused')
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
return { waiting, fetching, tonumber(totals[1] or '0'), tonumber(totals[2] or '0'), redis.call('ZCARD', KEYS[10]),
         text(now - since), text(now - due), text(last[2] and tonumber(last[2]) - now or 0),
         gate[1] or '', gate[2] or '0', tonumber(gate[3] or '0') }
