`event_id` STRING NOT NULL,
`event_time` TIMESTAMP_LTZ(3) NOT NULL,
`kind` STRING NOT NULL,
`subject_kind` STRING NOT NULL,
`subject` STRING NOT NULL,
`value` INT NOT NULL,
`evidence` STRING NOT NULL,
`expires_at` TIMESTAMP_LTZ(3)
