# Sourced by every Spark launcher of this environment; the set-up fills in @...@ and copies it beside Spark's jars.

# A local run needs no network, not even a host name that resolves.
export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}"

# A missing or old Java would end in a stack trace; this says it in one sentence.
"@python@" -m pipelines.core.machine || exit $?
