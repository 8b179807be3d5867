`event_id` STRING NOT NULL,
`event_time` TIMESTAMP_LTZ(3) NOT NULL,
`merchant_id` STRING NOT NULL,
`reputation` INT NOT NULL,
`category` STRING NOT NULL,
`typical_ticket_paise` BIGINT NOT NULL,
`first_seen_date` DATE NOT NULL
