-- Many signed-in people in turn, each request as a browser writes it.
-- COOKIES: a file with one Cookie header a line; an empty file sends none. TARGET: the path.
-- UPLOAD_BYTES: 0 for a GET, else a PUT of a body of so many bytes.

local browser = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  ["Accept"] = "application/json",
  ["Accept-Language"] = "en-GB,en;q=0.9,zh-CN;q=0.8",
  ["Accept-Encoding"] = "gzip, deflate, br, zstd",
  ["Sec-Fetch-Site"] = "same-origin",
  ["Sec-Fetch-Mode"] = "cors",
  ["Sec-Fetch-Dest"] = "empty",
  ["sec-ch-ua"] = '"Chromium";v="141", "Not?A_Brand";v="8"',
  ["sec-ch-ua-mobile"] = "?0",
  ["sec-ch-ua-platform"] = '"Linux"',
  ["Priority"] = "u=1, i",
  ["X-CSRF"] = "1",
}

local requests = {}
local at = 0

function init(args)
  browser["Host"] = os.getenv("AUTHORITY")
  browser["Referer"] = "http://" .. browser["Host"] .. "/"
  local size = tonumber(os.getenv("UPLOAD_BYTES") or "0")
  local method = size > 0 and "PUT" or "GET"
  local body = size > 0 and string.rep("x", size) or nil
  for line in io.lines(os.getenv("COOKIES")) do
    browser["Cookie"] = line
    requests[#requests + 1] = wrk.format(method, os.getenv("TARGET"), browser, body)
  end
  if #requests == 0 then
    requests[1] = wrk.format(method, os.getenv("TARGET"), browser, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"bytes":%d,"duration_us":%d,"bad_status":%d,"broken":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.bytes, summary.duration, e.status,
    e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
