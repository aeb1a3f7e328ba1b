-- Prepended to every script. Times are in milliseconds, by Redis's clock only.

-- Return the server's time, or the one that a test has set.
local function clock(override)
  if override and override ~= '' then return tonumber(override) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
end

-- Lua numbers lose their fraction on the way out of a script, and tostring() digits above 1e14.
local function text(number) return string.format('%.3f', number) end
