-- A merchant whom many people pay far more than its usual ticket within half an hour.
SELECT 'COLLUSION' AS kind, 'MERCHANT' AS subject_kind, m.merchant_id AS subject, w.payers AS measure,
  w.window_end AS found_at
FROM (
  SELECT merchant_id, window_end, CAST(COUNT(DISTINCT payer) AS INT) AS payers,
    AVG(CAST(paise AS DOUBLE)) AS ticket
  FROM TABLE(HOP(TABLE collusion_edges, DESCRIPTOR(event_at), INTERVAL '5' MINUTE,
    INTERVAL '{collusion_minutes}' MINUTE))
  WHERE merchant_id IS NOT NULL
  GROUP BY merchant_id, window_start, window_end
  HAVING COUNT(DISTINCT payer) >= {collusion_payers}
) AS w
JOIN merchants AS m ON w.merchant_id = m.merchant_id
WHERE w.ticket >= m.typical_paise * {collusion_times}
