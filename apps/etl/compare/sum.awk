# Adds up what count.awk has printed of all parts.
$1 == "minute" { requests[$2] += $3; errors[$2] += $4; sent[$2] += $5 }
$1 == "status" { statuses[$2] += $3 }
$1 == "path" { paths[$2] += $3 }
END {
  for (m in requests) { print "minute", m, requests[m], errors[m], sent[m]; all += requests[m] }
  for (s in statuses) print "status", s, statuses[s]
  for (p in paths) print "path", p, paths[p]
  print "all", all
}
