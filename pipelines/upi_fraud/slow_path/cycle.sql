-- Money that comes back: A pays B, B pays C, C pays A, each later than the one before.
SELECT 'CYCLE' AS kind, 'VPA' AS subject_kind, account AS subject, 3 AS measure, found_at
FROM (
  SELECT ARRAY[leg_1.payer, leg_2.payer, leg_3.payer] AS accounts, leg_3.event_at AS found_at
  FROM transfers AS leg_1
  JOIN transfers AS leg_2 ON leg_2.payer = leg_1.payee
    AND leg_2.event_at > leg_1.event_at
    AND leg_2.event_at <= leg_1.event_at + INTERVAL '{cycle_hours}' HOUR
  JOIN transfers AS leg_3 ON leg_3.payer = leg_2.payee AND leg_3.payee = leg_1.payer
    AND leg_3.event_at > leg_2.event_at
    AND leg_3.event_at <= leg_1.event_at + INTERVAL '{cycle_hours}' HOUR
  WHERE leg_2.payee <> leg_1.payer
) CROSS JOIN UNNEST(accounts) AS a (account)
