-- Charges a lease what its call cost: a first time, or as the correction of a sweep.
-- KEYS: lease, leases, usage, places, counts of even minutes, of odd ones, calls in flight, spent ×4, held ×4
-- ARGV: lease, calendar, at (ms), settlement, cost, tokens for rate limits, seconds remembered, kept ×4
local id, calendar, at, settlement, cost, tokens, remembered = unpack(ARGV, 1, 7)
local kept = {unpack(ARGV, 8, 11)}
local lease = read_lease(KEYS[1])
if lease.state ~= 'open' and lease.state ~= 'swept' then return {'done'} end
if lease.calendar ~= calendar then return {'elsewhere', lease.calendar} end

local revision = '1'
if lease.state == 'open' then
  add(held, lease.counters, negated(lease.estimate), kept)
  local expected = tonumber(lease.rated.tokens or '0')
  leave(5, lease.rated, '0', string.format('%.0f', tonumber(tokens) - expected))
else
  revision = '2'
  add(spent, lease.counters, negated(lease.estimate), kept)
end
add(spent, lease.counters, cost, kept)
close(KEYS[1], KEYS[2], id, remembered)
append(KEYS[3], KEYS[4], revision, lease, at, settlement)
return {'done'}
