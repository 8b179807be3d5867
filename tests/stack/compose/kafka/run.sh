# What the official image does: make the configuration from KAFKA_* variables, format, start.
set -euo pipefail
classes='/opt/kafka/libs/*'
java -cp "$classes" kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \
  --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:-} -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml \
  -cp "$classes" kafka.Kafka /opt/kafka/config/server.properties
