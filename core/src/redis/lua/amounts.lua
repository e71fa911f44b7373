-- Amounts are texts. A Lua number holds whole numbers up to 2^53 only, so amounts are compared in two halves and added by
-- Redis. Times, versions and epochs are far smaller.

-- Returns the billions and the rest of a whole number, both with its sign.
local function halves(text)
  local sign, digits = 1, text
  if text:sub(1, 1) == '-' then
    sign, digits = -1, text:sub(2)
  end
  return sign * (tonumber(digits:sub(1, -10)) or 0), sign * tonumber(digits:sub(-9))
end

-- Says whether the other amounts add up to `limit` at most.
local function at_most(limit, ...)
  local billions, rest = halves(limit)
  for _, amount in ipairs({...}) do
    local its_billions, its_rest = halves(amount)
    billions, rest = billions - its_billions, rest - its_rest
  end
  return billions + math.floor(rest / 1e9) >= 0
end

-- Returns the amount with the other sign; Redis takes no '-0'.
local function negated(amount)
  if amount == '0' then return amount end
  if amount:sub(1, 1) == '-' then return amount:sub(2) end
  return '-' .. amount
end
