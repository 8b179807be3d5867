-- A device on which many people pay within a day; told at each change.
SELECT 'DEVICE_SHARED' AS kind, 'DEVICE' AS subject_kind, device AS subject,
  CAST(payers AS INT) AS measure, event_at AS found_at
FROM (
  SELECT device, event_at, COUNT(DISTINCT payer) OVER (
    PARTITION BY device ORDER BY event_at
    RANGE BETWEEN INTERVAL '{shared_hours}' HOUR PRECEDING AND CURRENT ROW) AS payers
  FROM shared_edges
)
WHERE payers > {shared_payers}
