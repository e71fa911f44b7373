-- Puts sums beside what is believed, for a recovery.
-- KEYS: where
-- ARGV: seconds until they go, then for each sum: counter, amount
for at = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return {'done'}
