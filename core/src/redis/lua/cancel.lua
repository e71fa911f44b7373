-- Closes a lease without a charge, or marks one that may still come.
-- KEYS: lease, leases, counts of even minutes, of odd ones, calls in flight, spent ×4, held ×4
-- ARGV: lease, calendar, seconds remembered, kept ×4
local id, calendar, remembered = unpack(ARGV, 1, 3)
local kept = {unpack(ARGV, 4, 7)}
local lease = redis.call('HMGET', KEYS[1], 'state', 'calendar', 'estimate', 'counters', 'rated', 'minute', 'tokens')
if lease[1] and lease[1] ~= 'open' then return {'done'} end
if lease[1] then
  if lease[2] ~= calendar then return {'elsewhere', lease[2]} end
  add(held, cjson.decode(lease[4]), negated(lease[3]), kept)
  leave(3, {names = lease[5], minute = lease[6]}, '-1', negated(lease[7] or '0'))
end
close(KEYS[1], KEYS[2], id, remembered)
return {'done'}
