-- Add a process's counts to the meters.
-- KEYS 1 meters (hash), 2 minutes (hash: '<slot> <name>' -> '<which minute since the epoch> <how many in it>')
-- ARGV 1 clock or '', 2 how many minutes are kept, 3 how many names are counted by the minute, then these names with their
--      integer counts, then the fields of the meters with their amounts
local minute = math.floor(clock(ARGV[1]) / 60000)
local slot = minute % tonumber(ARGV[2])
local first = 4 + 2 * tonumber(ARGV[3])
for i = 4, first - 1, 2 do
  local field = slot .. ' ' .. ARGV[i]
  -- The slot may hold an old minute of two hours ago: it is overwritten, so that no clean-up is needed.
  local at, number = string.match(redis.call('HGET', KEYS[2], field) or '', '^(%d+) (%d+)$')
  if tonumber(at) ~= minute then number = 0 end
  redis.call('HSET', KEYS[2], field, string.format('%d %.0f', minute, number + ARGV[i + 1]))
end
for i = first, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
