-- Make waiting items due now, a bounded number of them. Leased items, lanes and attempts stay as they are.
-- KEYS 1-8 backlog
-- ARGV 1 maximum number of items, 2 clock or ''; further runs over the same items are given the time that the first returned
-- Returns: how many it brought forward, and the time that they count as due by, as text.
-- They keep their order, which equal due times would lose: the last one is due now, each before it a microsecond earlier.
local APART = 0.001
local room, moved = tonumber(ARGV[1]), 0
-- As text, so that what one run has brought forward is not later than the time that the next one is given.
local now = text(clock(ARGV[2]))
if is_anothers() then return { 0, now } end

for lane = 1, LANES do
  local after = '(' .. now
  local left = redis.call('ZCOUNT', KEYS[lane], after, '+inf')
  local items = redis.call('ZRANGEBYSCORE', KEYS[lane], after, '+inf', 'LIMIT', 0, room - moved)
  for i, item in ipairs(items) do
    redis.call('ZADD', KEYS[lane], text(tonumber(now) - (left - i) * APART), item)
  end
  moved = moved + #items
end
return { moved, now }
