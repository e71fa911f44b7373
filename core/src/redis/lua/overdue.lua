-- Names the leases that expired by then, oldest first.
-- KEYS: leases
-- ARGV: latest expiry, how many at most
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', '0', ARGV[2])
