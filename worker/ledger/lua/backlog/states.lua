-- Look up the states of calls, all at one moment.
-- KEYS 1-8 backlog of the fetches, 9 settled, 10 dead, 11 ... the calls
-- ARGV their CallSids
-- Returns for each: its state as JSON; its place (waiting, fetching, settled, dead, or dropped: in none of these); and when it
-- is due, its lease ends, it settled or failed, '' for dropped. A call that is not known is three times ''.
local CONFIRM = 4
local found = {}
for i, sid in ipairs(ARGV) do
  local stored = redis.call('LINDEX', KEYS[10 + i], 0) or ''
  local place, at = '', ''
  if stored ~= '' then
    place = 'dropped'
    local lease = held(sid)
    local settled, dead = redis.call('ZSCORE', KEYS[9], sid), redis.call('ZSCORE', KEYS[10], sid)
    if settled then place, at = 'settled', settled elseif dead then place, at = 'dead', dead end
    -- A settled call that is read once more stays settled.
    if lease and not (settled and lease.lane == CONFIRM) then
      place, at = 'fetching', redis.call('ZSCORE', KEYS[5], sid) or ''
    end
    for lane = 1, CONFIRM - 1 do
      local due = redis.call('ZSCORE', KEYS[lane], sid)
      if due then place, at = 'waiting', due end
    end
  end
  found[#found + 1], found[#found + 2], found[#found + 3] = stored, place, at
end
return found
