-- Ends a session; says whether there was one.
-- KEYS: session
return {redis.call('DEL', KEYS[1]) == 1 and 'ended' or 'over'}
