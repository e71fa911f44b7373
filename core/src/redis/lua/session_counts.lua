-- Counts sessions, and the people who have one.
-- KEYS: everybody's sessions by expiry, in order, signed in
-- ARGV: now, when sessions that may be forgotten were over
local now, past = unpack(ARGV)
forget_past(KEYS[1], past, KEYS[2])
forget_past(KEYS[3], past)
local function counted(key) return whole(redis.call('ZCOUNT', key, '(' .. now, '+inf')) end
return {counted(KEYS[1]), counted(KEYS[3])}
