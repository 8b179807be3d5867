-- A payee, no merchant, whom many different people pay within minutes.
SELECT 'FAN_IN' AS kind, 'VPA' AS subject_kind, payee AS subject,
  CAST(COUNT(DISTINCT payer) AS INT) AS measure, window_end AS found_at
FROM TABLE(HOP(TABLE fan_in_edges, DESCRIPTOR(event_at), INTERVAL '1' MINUTE,
  INTERVAL '{fan_in_minutes}' MINUTE))
GROUP BY payee, window_start, window_end
HAVING COUNT(DISTINCT payer) > {fan_in_payers}
