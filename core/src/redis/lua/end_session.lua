-- Ends a session and takes it out of its lists; says whether there was one.
-- KEYS: session, signed in, then each list's two: everybody's, the person's, the provider's if there is one
-- ARGV: place, user, when sessions that may be forgotten were over
local place, uid, past = unpack(ARGV)
local existed = redis.call('DEL', KEYS[1]) == 1
for key = 3, #KEYS do redis.call('ZREM', KEYS[key], place) end
note_signed_in(KEYS[2], KEYS[5], uid, past)
return {existed and 'ended' or 'over'}
