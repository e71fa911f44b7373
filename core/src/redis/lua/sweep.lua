-- Charges a lease of which nothing was heard at its estimate, and remembers it for a settlement that still comes.
-- KEYS: lease, leases, usage, places, counts of even minutes, of odd ones, calls in flight, spent ×4, held ×4
-- ARGV: lease, calendar, at (ms), latest expiry that is overdue, seconds remembered, kept ×4
local id, calendar, at, overdue, remembered = unpack(ARGV, 1, 5)
local kept = {unpack(ARGV, 6, 9)}
local lease = read_lease(KEYS[1])
if lease.state ~= 'open' then
  redis.call('ZREM', KEYS[2], id)
  return {'gone'}
end
if tonumber(lease.expiry) > tonumber(overdue) then return {'gone'} end
if lease.calendar ~= calendar then return {'elsewhere', lease.calendar} end

add(held, lease.counters, negated(lease.estimate), kept)
add(spent, lease.counters, lease.estimate, kept)
leave(5, lease.rated, '0', '0')
redis.call('ZREM', KEYS[2], id)
redis.call('HSET', KEYS[1], 'state', 'swept')
redis.call('EXPIRE', KEYS[1], remembered)
append(KEYS[3], KEYS[4], '1', lease, at, '')
return {'done'}
