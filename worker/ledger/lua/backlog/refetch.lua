-- Make a call due now at an operator's request, whatever its schedule says.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 story, 11 settled, 12 dead
-- ARGV 1 CallSid, 2 clock or '', 3 who wants it
-- Returns nil for an unknown call; 'under_way' if a worker has it or it is due already; 'sooner' if it was waiting;
-- 'confirm' if it is settled: it is fetched once more, at lowest priority; 'retried' if it had failed or was dropped.
local now, sid = clock(ARGV[2]), ARGV[1]
local stored = redis.call('LINDEX', KEYS[9], 0)
if not stored then return nil end
if held(sid) then return 'under_way' end

local lane, outcome
for each = 1, LANES do
  local due = redis.call('ZSCORE', KEYS[each], sid)
  if due then
    -- One that is due keeps its place in the queue.
    if tonumber(due) <= now then return 'under_way' end
    lane, outcome = each, each == LANES and 'confirm' or 'sooner'
  end
end
if not lane then
  local given_up = redis.call('ZREM', KEYS[12], sid) == 1
  if redis.call('ZSCORE', KEYS[11], sid) and not given_up then
    lane, outcome = LANES, 'confirm'
  else
    lane, outcome = 1, 'retried'
    local state = cjson.decode(stored)
    state.reason = nil
    redis.call('LSET', KEYS[9], 0, cjson.encode(state))
  end
end
redis.call('ZADD', KEYS[lane], text(now), sid)
note_step(KEYS[10], now, 'retry', 'by ' .. ARGV[3])
return outcome
