-- Count a wrong password.
-- KEYS 1 wrong passwords from this address, 2 those from all addresses
-- ARGV 1 how long they count in ms, from the first one on
-- Returns how many there are now from this address.
for _, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[1]) end
end
return tonumber(redis.call('GET', KEYS[1]))
