-- Add up what a process has counted.
-- KEYS 1 meters (hash), 2 minutes (hash: '<slot> at' -> which minute since the epoch it is, '<slot> <name>' -> how many)
-- ARGV 1 clock or '', 2 how many minutes are kept, 3 how many names are counted by the minute, then these with their
--      numbers, then the fields of the meters with theirs
local minute = math.floor(clock(ARGV[1]) / 60000)
local slot = minute % tonumber(ARGV[2])
if redis.call('HGET', KEYS[2], slot .. ' at') ~= tostring(minute) then
  for _, name in ipairs({ 'received', 'fetched', 'delivered' }) do redis.call('HDEL', KEYS[2], slot .. ' ' .. name) end
  redis.call('HSET', KEYS[2], slot .. ' at', minute)
end
local first = 4 + 2 * tonumber(ARGV[3])
for i = 4, first - 1, 2 do redis.call('HINCRBY', KEYS[2], slot .. ' ' .. ARGV[i], ARGV[i + 1]) end
for i = first, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
