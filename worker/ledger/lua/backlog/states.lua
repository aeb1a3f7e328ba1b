-- Look up the states of calls, all at one moment.
-- KEYS 1-8 backlog of the fetches, 9 settled, 10 dead, 11 ... the calls
-- ARGV their CallSids
-- Returns for each: its state as JSON; its place (waiting, fetching, settled, dead, or dropped: in none of these); when it is
-- due, its lease ends, it settled or failed, '' for dropped; and when its confirming read is due, while that waits or is under
-- way, '' otherwise. A call that is not known is four times ''.
local CONFIRM = 4
local found = {}
for i, sid in ipairs(ARGV) do
  local stored = redis.call('LINDEX', KEYS[10 + i], 0) or ''
  local place, at, confirm = '', '', ''
  if stored ~= '' then
    place = 'dropped'
    local lease = held(sid)
    local settled, dead = redis.call('ZSCORE', KEYS[9], sid), redis.call('ZSCORE', KEYS[10], sid)
    if settled then place, at = 'settled', settled elseif dead then place, at = 'dead', dead end
    if settled and lease and lease.lane == CONFIRM then
      -- A settled call that is read once more stays settled.
      confirm = text(lease.due)
    elseif lease then
      place, at = 'fetching', redis.call('ZSCORE', KEYS[5], sid) or ''
    else
      confirm = redis.call('ZSCORE', KEYS[CONFIRM], sid) or ''
    end
    for lane = 1, CONFIRM - 1 do
      local due = redis.call('ZSCORE', KEYS[lane], sid)
      if due then place, at = 'waiting', due end
    end
  end
  for _, part in ipairs({ stored, place, at, confirm }) do found[#found + 1] = part end
end
return found
