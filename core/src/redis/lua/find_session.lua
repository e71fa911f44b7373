-- Returns a session, so that its ticket can be compared and its user looked up.
-- KEYS: session
local body = redis.call('HGET', KEYS[1], 'body')
if not body then return {'over'} end
return {'found', body}
