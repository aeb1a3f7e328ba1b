-- Look up the newest record of each of many calls. Reads only.
-- KEYS the calls' records
-- Returns for each: the packed record, or false where there is none yet. The order is that of `in_order` in
-- worker/ledger/queries/lookup.py: of one revision, an unavailable record is the older one.
local found = {}
for i, key in ipairs(KEYS) do
  local records, newest, best = redis.call('HGETALL', key), false, -1
  for at = 1, #records, 2 do
    local revision, kind = string.match(records[at], '^(%d+)/(.+)$')
    if revision then
      local rank = 2 * tonumber(revision) + (kind == 'unavailable' and 0 or 1)
      if rank > best then newest, best = records[at + 1], rank end
    end
  end
  found[i] = newest
end
return found
