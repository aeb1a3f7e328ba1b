-- Replace values: all of them, or none if one has changed since the caller read it.
-- KEYS lists and hashes, then postings of terms that find the call no more
-- ARGV 1 the number of these postings, 2 the packed CallSid to take out of them, then for each value: the number of its key,
--      its index in the list or its field of the hash, the old value, the new value
-- Returns 1, or 0 if a value has changed.
local function is_list(key) return redis.call('TYPE', key).ok == 'list' end

for i = 3, #ARGV, 4 do
  local key = KEYS[tonumber(ARGV[i])]
  local held = is_list(key) and redis.call('LINDEX', key, ARGV[i + 1])
  if not is_list(key) then held = redis.call('HGET', key, ARGV[i + 1]) end
  if held ~= ARGV[i + 2] then return 0 end
end
for i = 3, #ARGV, 4 do
  local key = KEYS[tonumber(ARGV[i])]
  redis.call(is_list(key) and 'LSET' or 'HSET', key, ARGV[i + 1], ARGV[i + 3])
end
for i = #KEYS - tonumber(ARGV[1]) + 1, #KEYS do redis.call('LREM', KEYS[i], 1, ARGV[2]) end
return 1
