-- Index a call under terms beside those that it has.
-- KEYS 1-8 backlog of the fetches, 9 call, 10 began, 11 ... the postings of the terms
-- ARGV 1 CallSid, 2 when the call began in ms, unless that is known; or '', 3 the CallSid packed, 4 ... the terms that find the call
-- Returns 1, or 0 for a call that is no more.
local stored = redis.call('LINDEX', KEYS[9], 0)
if not stored then return 0 end
local state = cjson.decode(stored)
index(state, ARGV[3], slice(ARGV, 4, #ARGV), slice(KEYS, 11, #KEYS))
redis.call('LSET', KEYS[9], 0, cjson.encode(state))
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[10], 'NX', ARGV[2], ARGV[1]) end
return 1
