`run_id` STRING NOT NULL,
`dataset` STRING NOT NULL,
`reason` STRING NOT NULL,
`record_token` STRING,
`location` STRING
