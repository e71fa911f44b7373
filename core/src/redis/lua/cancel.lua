-- Closes a lease without a charge, or marks one that may still come.
-- KEYS: lease, leases, spent ×4, held ×4
-- ARGV: lease, calendar, seconds remembered, kept ×4
local id, calendar, remembered = unpack(ARGV, 1, 3)
local kept = {unpack(ARGV, 4, 7)}
local lease = redis.call('HMGET', KEYS[1], 'state', 'calendar', 'estimate', 'counters')
if lease[1] and lease[1] ~= 'open' then return {'done'} end
if lease[1] then
  if lease[2] ~= calendar then return {'elsewhere', lease[2]} end
  add(held, cjson.decode(lease[4]), negated(lease[3]), kept)
end
close(KEYS[1], KEYS[2], id, remembered)
return {'done'}
