-- An account that takes in much from several people and pays nearly all of it on within the window.
SELECT 'PASS_THROUGH' AS kind, 'VPA' AS subject_kind, i.account AS subject, i.payers AS measure,
  i.window_end AS found_at
FROM (
  SELECT payee AS account, window_end, SUM(paise) AS paise,
    CAST(COUNT(DISTINCT payer) AS INT) AS payers
  FROM TABLE(HOP(TABLE pass_in_edges, DESCRIPTOR(event_at), INTERVAL '5' MINUTE,
    INTERVAL '{pass_through_minutes}' MINUTE))
  WHERE merchant_id IS NULL
  GROUP BY payee, window_start, window_end
  HAVING SUM(paise) >= {pass_through_rs} * 100
    AND COUNT(DISTINCT payer) >= {pass_through_payers}
) AS i
JOIN (
  SELECT payer AS account, window_end, SUM(paise) AS paise
  FROM TABLE(HOP(TABLE pass_out_edges, DESCRIPTOR(event_at), INTERVAL '5' MINUTE,
    INTERVAL '{pass_through_minutes}' MINUTE))
  GROUP BY payer, window_start, window_end
) AS o ON i.account = o.account AND i.window_end = o.window_end
WHERE o.paise >= i.paise * {pass_through_share}
