-- All accounts of the day on a device, from the payment on that makes it more than a few.
SELECT 'DEVICE_SHARED' AS kind, 'VPA' AS subject_kind, e.payer AS subject,
  CAST(s.payers AS INT) AS measure, s.event_at AS found_at
FROM (
  SELECT device, event_at, COUNT(DISTINCT payer) OVER (
    PARTITION BY device ORDER BY event_at
    RANGE BETWEEN INTERVAL '{shared_hours}' HOUR PRECEDING AND CURRENT ROW) AS payers
  FROM shared_edges
) AS s
JOIN shared_edges AS e ON e.device = s.device
  AND e.event_at BETWEEN s.event_at - INTERVAL '{shared_hours}' HOUR AND s.event_at
WHERE s.payers > {shared_accounts}
