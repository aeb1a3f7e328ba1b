-- Add a process's counts to the meters.
-- KEYS 1 meters (hash), then two rings of each series: its minutes, its hours
-- ARGV 1 clock or '', 2 how many minutes are kept, 3 how many hours, 4 number of series, then of each series: how many columns it
--      has, how many of them are counted here, and these with their integer counts; then the fields of the meters with their amounts
-- A ring is a string of unsigned 32-bit numbers, the highest byte first: the latest slot that was begun (minutes or hours since
-- the epoch), then the columns of slot 0, of slot 1 …. A slot is at its number modulo the length of the ring.
local BYTES = 4

-- Set slots `first` to `last` to zero; they wrap around at the end of the ring.
local function clear(key, first, last, kept, row)
  local from, to = first % kept, last % kept
  if from <= to then
    redis.call('SETRANGE', key, BYTES + from * row, string.rep('\0', (to - from + 1) * row))
  else
    redis.call('SETRANGE', key, BYTES + from * row, string.rep('\0', (kept - from) * row))
    redis.call('SETRANGE', key, BYTES, string.rep('\0', (to + 1) * row))
  end
end

local function add(key, slot, kept, seconds, columns, at, number)
  local row = columns * BYTES
  local latest = redis.call('BITFIELD', key, 'GET', 'u32', 0)[1]
  if slot > latest then
    clear(key, math.max(latest + 1, slot - kept + 1), slot, kept, row)
    redis.call('BITFIELD', key, 'SET', 'u32', 0, slot)
    -- What is counted no more, of a sink that was removed for instance, goes by itself.
    redis.call('EXPIRE', key, kept * seconds)
  elseif slot <= latest - kept then
    return -- a clock that was set back by longer than the ring
  end
  local changes = { 'BITFIELD', key, 'OVERFLOW', 'SAT' }
  for i = at, at + 2 * number - 1, 2 do
    for _, word in ipairs({ 'INCRBY', 'u32', 8 * (BYTES + slot % kept * row + ARGV[i] * BYTES), ARGV[i + 1] }) do
      changes[#changes + 1] = word
    end
  end
  redis.call(unpack(changes))
end

local seconds, kept = { 60, 3600 }, { tonumber(ARGV[2]), tonumber(ARGV[3]) }
local now, at = clock(ARGV[1]) / 1000, 5
for series = 1, tonumber(ARGV[4]) do
  local columns, number = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  for ring = 1, 2 do
    local slot = math.floor(now / seconds[ring])
    add(KEYS[2 * series + ring - 1], slot, kept[ring], seconds[ring], columns, at + 2, number)
  end
  at = at + 2 + 2 * number
end
for i = at, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
