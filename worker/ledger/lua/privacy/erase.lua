-- Put values in the place of others: all of them, or none where one has changed since the caller looked.
-- KEYS lists and hashes
-- ARGV for each value: the number of its key, its place in the list or its field of the hash, what it was, what it is to be
-- Returns 1, or 0 where something has changed.
local function is_list(key) return redis.call('TYPE', key).ok == 'list' end

for i = 1, #ARGV, 4 do
  local key = KEYS[tonumber(ARGV[i])]
  local held = is_list(key) and redis.call('LINDEX', key, ARGV[i + 1])
  if not is_list(key) then held = redis.call('HGET', key, ARGV[i + 1]) end
  if held ~= ARGV[i + 2] then return 0 end
end
for i = 1, #ARGV, 4 do
  local key = KEYS[tonumber(ARGV[i])]
  redis.call(is_list(key) and 'LSET' or 'HSET', key, ARGV[i + 1], ARGV[i + 3])
end
return 1
