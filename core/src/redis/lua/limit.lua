-- Counts one more in a window.
-- KEYS: count
-- ARGV: seconds until it goes
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {string.format('%.0f', count)}
