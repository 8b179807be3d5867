"""Both jobs run in one JVM; what they count is small."""

from pipelines.core.flink_jvm import compile_quickly

compile_quickly()
