# Sourced by every Spark launcher of this environment; the set-up fills in @...@ and copies it beside Spark's jars.
# Only what must be known before the JVM starts; session options live in pipelines/core/spark.py.

# A local run needs no network, not even a host name that resolves.
export SPARK_LOCAL_IP="${SPARK_LOCAL_IP:-127.0.0.1}"

# A missing or old Java would end in a stack trace; this says it in one sentence.
"@python@" -m pipelines.core.machine || exit $?

export PYSPARK_PYTHON="${PYSPARK_PYTHON:-@python@}"
export SPARK_DRIVER_MEMORY="${SPARK_DRIVER_MEMORY:-@driver_memory@}"

# A local run spends its JVM time starting up, the work is in numpy: the quick compiler alone halves it.
# Alone it gets a code cache of 48 MB, which Spark fills, and then nothing more is compiled.
options="-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC -Dspark.ui.showConsoleProgress=false"
options="$options -Dlog4j2.configurationFile=file:@home@/conf/log4j2.properties"

# An archive of Spark's classes halves it again. The JVM uses none while the class path holds a folder
# with files in it, so Spark's own configuration folder is one that does not exist.
export SPARK_CONF_DIR="@home@/conf/none"
if [ -n "${SANGAM_RECORD_CLASSES:-}" ]; then
  options="$options -XX:ArchiveClassesAtExit=$SANGAM_RECORD_CLASSES -Xlog:cds=off -Xlog:cds+dynamic=off"
elif [ -f "@classes@" ]; then
  options="$options -XX:SharedArchiveFile=@classes@ -Xlog:cds=off"
fi
export SPARK_SUBMIT_OPTS="$options ${SPARK_SUBMIT_OPTS:-}"
