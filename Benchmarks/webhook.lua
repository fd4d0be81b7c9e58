-- A webhook as qBittorrent's command line sends it, for one of many torrents.
local number = 0
request = function()
    number = number + 1
    local body = string.format("event=complete&hash=%040x", number % 500)
    return wrk.format("POST", "/webhook", { ["Content-Type"] = "application/x-www-form-urlencoded" }, body)
end
