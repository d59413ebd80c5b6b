# Of each part of a log: requests, errors and bytes a minute, statuses, paths. Lines "kind key numbers".
{
  minute = substr($4, 2, 17); status = $9; bytes = $10 == "-" ? 0 : $10
  path = $7; sub(/\?.*/, "", path)
  requests[minute]++; sent[minute] += bytes
  if (status >= 400) errors[minute]++
  statuses[status]++; paths[path]++
}
END {
  for (m in requests) print "minute", m, requests[m], errors[m] + 0, sent[m]
  for (s in statuses) print "status", s, statuses[s]
  for (p in paths) print "path", p, paths[p]
}
