"""Producers: records of a domain as framed Avro on its topic, nothing lost while Kafka is away."""
