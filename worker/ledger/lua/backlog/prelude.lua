-- Prepended to the scripts of a backlog, which have its eight keys first, always in this order:
--   1-4 due lists, one per lane, most urgent first (zset item -> due)     5 leases (zset item -> expiry)
--   6 fences (hash item -> "lease lane due worker")                     7 deaths (hash)      8 attempts (hash)
-- Behind all its keys each is given the key of the ledger itself, which is taken out here: a script counts its own keys.
-- The worker of a lease is the one that has begun the work on it, NOBODY before that.
local LEDGER = table.remove(KEYS)
local NOBODY = '0'
local LANES, LEASES, FENCES, DEATHS, ATTEMPTS = 4, KEYS[5], KEYS[6], KEYS[7], KEYS[8]

-- Return whether the ledger now belongs to another Legwork, whose data has another schema.
local function is_anothers()
  local schema = redis.call('HGET', LEDGER, 'schema')
  return schema and schema ~= SCHEMA
end

-- Return a lease as a table, or nil if the item is not leased, or under another lease than `lease`. In another's ledger no
-- lease is held any more, so work begun before is not written into it.
local function held(item, lease)
  local fence = redis.call('HGET', FENCES, item)
  if not fence then return nil end
  local id, lane, due, worker = string.match(fence, '^(%d+) (%d) (%S+) (%S+)$')
  if lease and (id ~= lease or is_anothers()) then return nil end
  return { id = id, lane = tonumber(lane), due = tonumber(due), worker = worker, started = worker ~= NOBODY }
end

-- Return whether a sink is disabled. `states` is the hash of the sinks' states, nil for the backlog of the fetches.
local function is_disabled(states, sink)
  local found = states and redis.call('HGET', states, sink)
  return found and cjson.decode(found).state == 'disabled'
end

-- Lease an item under a new fencing id, which is returned; `by` is the worker that begins at once, if one does.
local function hold(fence_counter, item, lane, due, expiry, by)
  local lease = redis.call('INCR', fence_counter)
  redis.call('ZADD', LEASES, text(expiry), item)
  redis.call('HSET', FENCES, item, string.format('%d %d %s %s', lease, lane, text(due), by or NOBODY))
  return lease
end

-- Remove an item's lease.
local function unhold(item)
  redis.call('ZREM', LEASES, item)
  redis.call('HDEL', FENCES, item)
end

-- Add a step to a call's history; the last 50 are kept.
local function note_step(story, now, step, answer)
  redis.call('RPUSH', story, cjson.encode({ at = math.floor(now), step = step, answer = answer }))
  redis.call('LTRIM', story, -50, -1)
end

-- Index a call under terms: `lists` are their postings' keys. What it is indexed under is part of its state, which the
-- caller stores. A term that is known costs nothing.
local function index(state, packed_sid, terms, lists)
  state.terms = state.terms or ''
  local known = ' ' .. state.terms .. ' '
  for i, term in ipairs(terms) do
    if not string.find(known, ' ' .. term .. ' ', 1, true) then
      redis.call('RPUSH', lists[i], packed_sid)
      state.terms = state.terms == '' and term or state.terms .. ' ' .. term
    end
  end
end

-- Return the values of a list from one index to another.
local function slice(values, from, to)
  local part = {}
  for i = from, to do part[#part + 1] = values[i] end
  return part
end

-- Remove an item from the lane it waits in; returns that lane, or nil.
local function undue(item)
  for lane = 1, LANES do
    if redis.call('ZREM', KEYS[lane], item) == 1 then return lane end
  end
end
