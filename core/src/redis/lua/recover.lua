-- Takes over what was spent in a window, a part at a time, and at last notes that all was told; as long as nothing happens
-- meanwhile.
-- KEYS: gen, generation that was told, usage, places, beats, spent of the window
-- ARGV: generation, newest place, then one of
--       'first' or 'more', seconds until the window goes (0 if never), then for each sum: counter, amount
--       'last', how often beats were counted
local gen, place, step, kept = unpack(ARGV, 1, 4)
if redis.call('GET', KEYS[1]) ~= gen or redis.call('XLEN', KEYS[3]) > 0 then return {'overtaken'} end
if (redis.call('GET', KEYS[4]) or '0') ~= place then return {'overtaken'} end

if step == 'last' then
  if tonumber(redis.call('GET', KEYS[5]) or '0') < tonumber(kept) then redis.call('SET', KEYS[5], kept) end
  redis.call('SET', KEYS[2], gen)
  return {'done'}
end
if step == 'first' then redis.call('DEL', KEYS[6]) end
for at = 5, #ARGV, 2 do redis.call('HSET', KEYS[6], ARGV[at], ARGV[at + 1]) end
if kept ~= '0' then redis.call('EXPIRE', KEYS[6], kept) end
return {'done'}
