-- A webhook as qBittorrent's command line sends it, for one of many torrents.
--
-- With an argument each connection waits so many milliseconds before its next one.
local number = 0
request = function()
    number = number + 1
    local body = string.format("event=complete&hash=%040x", number % 500)
    return wrk.format("POST", "/webhook", { ["Content-Type"] = "application/x-www-form-urlencoded" }, body)
end
init = function(arguments)
    local wait = tonumber(arguments[1])
    if wait then delay = function() return wait end end
end
