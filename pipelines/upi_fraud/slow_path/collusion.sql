-- A merchant whom many people pay within half an hour, with the mean ticket; what is usual there is looked up later.
SELECT 'COLLUSION' AS kind, 'MERCHANT' AS subject_kind, merchant_id AS subject,
  CAST(COUNT(DISTINCT payer) AS INT) AS measure, window_end AS found_at,
  AVG(CAST(paise AS DOUBLE)) AS ticket
FROM TABLE(HOP(TABLE collusion_edges, DESCRIPTOR(event_at), INTERVAL '5' MINUTE,
  INTERVAL '{collusion_minutes}' MINUTE))
GROUP BY merchant_id, window_start, window_end
HAVING COUNT(DISTINCT payer) >= {collusion_payers}
